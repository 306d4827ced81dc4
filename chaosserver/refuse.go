package chaosserver

import (
	"bytes"
	"net"
	"strconv"
	"time"

	"brownout/chaosserver/journal"
)

// refuse sends the refusal of what no handler sees: a request that is none, a header block that is too long or too late.
// The attempt is recorded here, with what is known of it, its reason and its failure. Where the client has ended the
// connection within its header block there was no attempt, and nobody to answer.
func (c *conn) refuse(answer []byte, reason, failure string) (int, error) {
	if c.closer() != journal.ClosedNot {
		return 0, net.ErrClosed
	}
	r := c.srv.run.Load()
	c.mu.Lock()
	c.requests++
	rec := journal.AttemptRecord{
		Seq: r.seq.Add(1), Conn: c.id, ConnRequest: c.requests, N: 1, Client: hostOf(c.remote), Entry: -1,
		Reason: reason, Status: statusOf(answer), First: r.at(c.first),
	}
	line, fields, _ := bytes.Cut(c.head, []byte("\n"))
	method, rest, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
	target, _, _ := bytes.Cut(rest, []byte(" "))
	rec.Method, rec.Target, rec.RawHeader = string(method), string(target), bytes.Clone(fields)
	c.mu.Unlock()

	rec.Call = "refused #" + strconv.FormatUint(rec.Seq, 10)
	rec.Ambiguous = true // nobody knows whose attempt it was
	rec.Read = r.at(time.Now())
	rec.Sent = rec.Read
	r.attempt(&rec)
	n, err := c.send(answer)
	r.end(&journal.EndRecord{
		Seq: rec.Seq, Done: r.at(time.Now()), BytesSent: int64(n), Whole: err == nil, Closed: c.closer(), Failure: failure,
	})
	return n, err
}

// statusOf reads the status of an answer, 0 where that has none.
func statusOf(answer []byte) int {
	_, rest, _ := bytes.Cut(answer, []byte(" "))
	digits, _, _ := bytes.Cut(rest, []byte(" "))
	status, err := strconv.Atoi(string(digits))
	if err != nil {
		return 0
	}
	return status
}
