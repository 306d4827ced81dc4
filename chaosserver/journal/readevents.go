package journal

import "time"

func (f *fileReader) readEnd() error {
	var r EndRecord
	p := &f.p
	for p.more('}') {
		switch string(p.key()) {
		case "seq":
			r.Seq = p.unsigned()
		case "done_ns":
			r.Done = f.instant()
		case "bytes_sent":
			r.BytesSent = p.signed()
		case "whole":
			r.Whole = p.bool()
		case "closed":
			r.Closed = Closer(f.name("closed", closerNames[:]))
		case "failure":
			r.Failure = f.same(slotFailure, p.str())
		default:
			p.skip()
		}
	}
	if p.end(); p.err != nil {
		return p.err
	}
	return f.addEnd(&r)
}

func (f *fileReader) readOpen() error {
	var c Conn
	p := &f.p
	err := f.members(func(key []byte) {
		switch string(key) {
		case "conn":
			c.ID = p.unsigned()
		case "remote":
			c.Remote = f.str(p.str())
		case "accept_ns":
			c.Accept = f.instant()
		case "drawn":
			c.Drawn = f.readInts()
		case "applied":
			c.Applied = f.readInts()
		case "reason":
			c.Reason = f.same(slotConnReason, p.str())
		case "host":
			c.Host = f.same(slotConnHost, p.str())
		case "tls":
			c.TLS = p.bool()
		default:
			p.skip()
		}
	})
	if err != nil {
		return err
	}
	return f.addOpen(c)
}

func (f *fileReader) readClose() error {
	var r CloseRecord
	p := &f.p
	err := f.members(func(key []byte) {
		switch string(key) {
		case "conn":
			r.ID = p.unsigned()
		case "closed":
			r.Closed = Closer(f.name("closed", closerNames[:]))
		case "close_ns":
			r.Close = f.instant()
		case "failure":
			r.Failure = string(p.str())
		default:
			p.skip()
		}
	})
	if err != nil {
		return err
	}
	return f.addClose(r)
}

func (f *fileReader) readLate() error {
	var r Lateness
	err := f.members(func(key []byte) {
		switch string(key) {
		case "at_ns":
			r.At = f.instant()
		case "late_ns":
			r.Late = f.instant()
		default:
			f.p.skip()
		}
	})
	if err == nil {
		f.addLate(r)
	}
	return err
}

func (f *fileReader) readStop() error {
	var at time.Duration
	err := f.members(func(key []byte) {
		if string(key) == "at_ns" {
			at = f.instant()
			return
		}
		f.p.skip()
	})
	if err == nil {
		f.until(at)
	}
	return err
}
