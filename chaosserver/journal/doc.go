// Package journal is the record of a run: connections and attempts as they happened, in a bounded ring in memory and
// in a file of newline-delimited JSON. It is the only evidence that a verdict has.
//
// # Recording
//
// A [Journal] is an event log. A connection is recorded by [Journal.Open] and [Journal.Close], an attempt by
// [Journal.Attempt] before the first byte of its answer and by [Journal.End] after the last; what has no end was cut
// off. All instants are durations on one monotonic clock, [Journal.Now].
//
// The ring holds the latest attempts, bounded by their count and by bytes, in memory of its own outside the heap.
// What rolls out is counted, in segments of up to a 256th of either bound. The file gets each event as one line in
// one write, without a buffer in the process, so that it holds every attempt whose answer a client has seen, even if
// the process is killed. It is not synced to the disk: a machine that loses its power may lose lines.
//
// # Secrets
//
// Values of secret header fields, of secret parameters wherever a URL may stand, and the user information of URLs are
// replaced by a hash before the ring or the file sees them: "sha256:" and 16 hex digits of their HMAC under a salt
// of the run. So "the same" and "another" survive, and nothing else does. [Options] says what is secret.
//
// # Reading
//
// [Journal.Log] decodes the ring, [ReadFile] and [Read] the file, to the same [Log]. [Journal.Scan] counts without
// decoding. [Journal.Follow] gives the events one by one as they come. All of them may be used while others record;
// readers copy the ring a piece at a time, and never hold up a writer for longer than that takes.
//
// # The file
//
// Each line is a JSON object whose "event" is header (always the first line), open, close, attempt, end, late, client,
// result, drop or stop. The other keys are the fields of the types here in snake case, except that "conn" is the ID of
// a connection; instants and durations are whole nanoseconds and their keys end in _ns. What is zero is left out, but
// for "entry", which is left out where it is -1. A closed or naming is the text of its String method. Bytes that
// are not UTF-8 are lone surrogates from U+DC80 to U+DCFF, and a body that is not UTF-8 is "body_base64".
//
//	{"event":"header","version":1,"scenario":"two 503s, then fine","seed":1,"start":"2026-11-23T15:04:05.123Z","salt":"d030e808"}
//	{"event":"open","conn":1,"remote":"127.0.0.1:50001","accept_ns":1000000}
//	{"event":"attempt","seq":1,"conn":1,"conn_request":1,"route":"GET /items/:id","call":"GET /items/1","call_no":1,"n":1, ...}
//	{"event":"end","seq":1,"done_ns":7000000,"bytes_sent":120,"whole":true}
//	{"event":"close","conn":1,"closed":"client-fin","close_ns":16000000}
//	{"event":"stop","at_ns":20000000}
package journal
