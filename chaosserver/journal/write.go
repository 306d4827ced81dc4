package journal

import "time"

// OpenRecord is what is known of a connection once it is accepted; see [Conn].
type OpenRecord struct {
	ID             uint64 // 1-based ordinal of accept
	Remote         string
	Host           string
	TLS            bool
	Accept         time.Duration
	Drawn, Applied []int  // indices of the connection faults whose triggers held, and of those that strike
	Reason         string // why a fault strikes; "" where none does
}

// CloseRecord is the end of a connection; see [Conn].
type CloseRecord struct {
	ID      uint64
	Closed  Closer
	Close   time.Duration
	Failure string
}

// AttemptRecord is what is known of an attempt before the first byte of its answer: an [Attempt] without its
// end. The journal copies what it needs, so a caller may use one record, and the slices in it, again and again.
type AttemptRecord struct {
	Seq         uint64 // 1-based ordinal of the attempt in the run; no two attempts have the same
	Conn        uint64 // 0 where the server runs as a bare handler
	ConnRequest int    // 1-based ordinal on its connection

	Route     string
	Nearest   string
	Call      string
	CallNo    int
	N         int
	Nth       int
	Naming    Naming
	Ambiguous bool
	Client    string

	Method string
	Target string // as on the wire, less the prefix that names the call
	Host   string
	// RawHeader is the header block as it came over the wire: the request line excluded, lines ended by CRLF or
	// LF, the empty line at its end optional. Order and case of the names are kept.
	RawHeader []byte
	// Header is read only where RawHeader is nil; the fields are sorted by name and the attempt says
	// HeaderOrderLost. An http.Header is one.
	Header     map[string][]string
	BodyLen    int64
	BodySHA256 [32]byte
	Body       []byte // recorded up to Options.KeepBody
	BodyWhole  bool

	First time.Duration // first request byte
	Read  time.Duration // the request was read whole, or its reading ended
	Sent  time.Duration // before the write that carries the header block, or before the RST or FIN

	Phase   string
	Entry   int // -1 where a fault, or nothing, answers
	Drawn   []int
	Applied []int
	Reason  string

	Status     int
	Wire       string
	RetryAfter string
	Due        time.Duration
	HasDue     bool
	Delay      time.Duration

	Limit   string
	Charged []int
	Told    []Quota
	Ledger  Ledger
	Event   string
}

// EndRecord is the end of an attempt; see [Attempt].
type EndRecord struct {
	Seq       uint64 // of the attempt
	Done      time.Duration
	BytesSent int64
	Whole     bool
	Closed    Closer
	Failure   string
}

// Open records that a connection was accepted. The error is that of [Journal.Attempt].
func (j *Journal) Open(r OpenRecord) error {
	e := j.encoder()
	e.open(&r)
	return j.commit(e, false)
}

// Close records how a connection ended. The error is that of [Journal.Attempt]. It does not end the journal:
// [Journal.Shut] does.
func (j *Journal) Close(r CloseRecord) error {
	e := j.encoder()
	e.close(&r)
	return j.commit(e, false)
}

// Attempt records an attempt. Call it before the first byte of the answer is written: once it returns nil, the
// record is in the ring and, where the journal has a file, handed to the kernel in one write, so that it outlives
// the process. Secrets are replaced before either sees the record, as [Options] says.
//
// An error means that the file could not take the record (the error of the write, wrapped), or [ErrShut]. The
// first error of the file is final: every later record goes to the ring alone and gives the same error.
//
// All methods that record may be called from several goroutines, do not retain what they are given, and allocate
// nothing once warm.
func (j *Journal) Attempt(r *AttemptRecord) error {
	e := j.encoder()
	e.attempt(r)
	return j.commit(e, false)
}

// End records how an attempt ended, after the last byte of its answer. The error is that of [Journal.Attempt].
func (j *Journal) End(r *EndRecord) error {
	e := j.encoder()
	e.end(r)
	return j.commit(e, false)
}

// Late records that the machine woke a ticker late. The error is that of [Journal.Attempt].
func (j *Journal) Late(r Lateness) error {
	e := j.encoder()
	e.late(r)
	return j.commit(e, false)
}
