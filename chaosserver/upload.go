package chaosserver

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"brownout/chaosserver/fault"
	"brownout/chaosserver/proxy"
	"brownout/scenarios"
)

// upload is the body of a request on its way from the client to the upstream, in a goroutine of its own.
type upload struct {
	done    chan struct{} // closed once nothing more is read
	stopped chan struct{} // closed where nothing more is to be

	mu       sync.Mutex // guards what follows and, while the upload goes on, the exchange's body
	readErr  error      // of the client's side
	writeErr error      // of the upstream's
	at       time.Time  // when it ended
	ended    bool
}

// startUpload begins to send the request's body to the upstream.
func (x *exchange) startUpload(f *forwarding) {
	u := &upload{done: make(chan struct{}), stopped: make(chan struct{})}
	f.upload = u
	var pace *fault.Drip
	from := int64(0)
	if w := x.decision.Wire; w != nil && w.At == scenarios.AtRequestBody {
		from, pace = w.After.Of(max(x.r.ContentLength, 0)), fault.NewDrip(w.Rate)
	}
	x.s.goroutine(func() {
		defer close(u.done)
		x.upload(u, f.conn, from, pace)
	})
}

// upload reads the request's body and sends each piece as it comes; from an offset on at a pace, nil for none.
func (x *exchange) upload(u *upload, conn *proxy.Conn, from int64, pace *fault.Drip) {
	buf := x.s.buffers.Get().(*[]byte)
	defer x.s.buffers.Put(buf)
	chunked := x.r.ContentLength < 0
	for got := int64(0); ; {
		room := (*buf)[chunkHead : len(*buf)-chunkTail]
		if pace != nil && got < from {
			room = room[:min(int64(len(room)), from-got)]
		} else if pace != nil {
			n, err := pace.Next(x.r.Context(), int64(len(room)))
			if err != nil {
				u.end(err, nil)
				conn.Close()
				return
			}
			room = room[:n]
		}
		n, err := x.r.Body.Read(room)
		got += int64(n)
		whole := errors.Is(err, io.EOF)
		u.took(x, room[:n], whole)
		piece := room[:n]
		if chunked {
			piece = framed16(*buf, n)
		}
		if whole && chunked {
			piece = appendLastChunk(piece, x.r.Trailer)
		}
		if len(piece) > 0 {
			if _, failed := conn.Write(piece); failed != nil {
				u.end(nil, failed)
				return
			}
		}
		switch {
		case whole:
			u.end(nil, nil)
			return
		case err != nil:
			u.end(err, nil)
			select {
			case <-u.stopped: // by us, who may still read the answer
			default:
				conn.Close()
			}
			return
		}
	}
}

// took notes a piece of the body.
func (u *upload) took(x *exchange, p []byte, whole bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	x.body.take(p, x.s.config.maxBody)
	x.body.ended = whole
}

func (u *upload) end(read, write error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.readErr, u.writeErr, u.at, u.ended = read, write, time.Now(), true
}

// broke reports whether the client's side of the body broke off.
func (u *upload) broke() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.readErr != nil
}

// sent reports whether the body went to the upstream whole.
func (u *upload) sent() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.ended && u.readErr == nil && u.writeErr == nil
}

// noteUpload notes how much of the body has come so far. It is for before the attempt is recorded.
func (x *exchange) noteUpload(f *forwarding) {
	u := f.upload
	if u == nil {
		if !x.body.ended {
			x.noteBody(nil)
		}
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if f.noted {
		return
	}
	x.body.hash.Sum(x.body.sum[:0])
	x.noteBody(u.readErr)
	if u.ended {
		x.read = u.at
		x.record.Read = x.run.at(u.at)
	}
	f.noted, x.readsOn = u.ended, !u.ended
}

// stopUpload ends the reading of the body.
func (x *exchange) stopUpload(f *forwarding) {
	u := f.upload
	if u == nil || x.c == nil {
		return
	}
	select {
	case <-u.done:
		return
	default:
	}
	close(u.stopped)
	_ = x.c.SetReadDeadline(time.Unix(1, 0))
	<-u.done
	_ = x.c.SetReadDeadline(time.Time{})
	x.readsOn = false
}

// The room around a piece of a body for what frames it as a chunk.
const (
	chunkHead = 8 // the size in hexadecimal, and its end of line
	chunkTail = 2
)

// framed16 frames the n bytes that stand chunkHead bytes into buf as a chunk, within buf; nothing for no bytes.
func framed16(buf []byte, n int) []byte {
	if n == 0 {
		return buf[:0]
	}
	var size [16]byte
	line := append(strconv.AppendInt(size[:0], int64(n), 16), "\r\n"...)
	begin := chunkHead - len(line)
	copy(buf[begin:], line)
	copy(buf[chunkHead+n:], "\r\n")
	return buf[begin : chunkHead+n+chunkTail]
}

// appendLastChunk appends the end of a body in chunks, with its trailer section (RFC 9112, section 7.1.2).
func appendLastChunk(b []byte, trailer http.Header) []byte {
	b = append(b, "0\r\n"...)
	names := make([]string, 0, len(trailer))
	for name := range trailer {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range trailer[name] {
			b = fmt.Appendf(b, "%s: %s\r\n", name, v)
		}
	}
	return append(b, "\r\n"...)
}
