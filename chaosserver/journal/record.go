package journal

import "time"

// A Log is everything a journal recorded of one run, in order: the only evidence a verdict has. Times are
// durations on one monotonic clock since Header.Start.
type Log struct {
	Header     Header
	Conns      []Conn    // in order of accept
	Attempts   []Attempt // in order of their first request byte as seen by the server
	Late       []Lateness
	Clients    []Client
	Results    []Result
	Effects    []Effect   // in the order in which they were committed
	Contents   []Content  // of answers, where a check asks for results
	Deliveries []Delivery // in the order in which they began
	Forwards   []Forward
	Ports      []Port
	Dropped    []Drop        // what the journal had to let go of; empty for a whole record
	End        time.Duration // of the record: the last event's instant
	Torn       bool          // read from a file whose last line was cut off, and is left out
}

// Header is the first record of a journal.
type Header struct {
	Version  int // of the record's format; 1
	Scenario string
	File     string
	Seed     uint64
	Start    time.Time // wall clock at instant 0
	Salt     string    // names the salt of the redaction, not the salt itself
	Emulated bool      // connections were in memory: RST and FIN are emulated
	Upstream string    // base URL of the upstream in front of which the scenario was played; "" for none
}

// Closer says who ended a connection or an exchange first, and how.
type Closer uint8

// The ways in which a connection or an exchange ends. ClosedNot: still open, or cut off with the record.
const (
	ClosedNot Closer = iota
	ClosedByServerFIN
	ClosedByServerRST
	ClosedByClientFIN
	ClosedByClientRST
)

// Conn is one TCP connection of a client.
type Conn struct {
	ID     uint64 // 1-based ordinal of accept
	Remote string
	Host   string // name of the host in the scenario that it came to; "" the only one
	TLS    bool   // it speaks TLS
	Accept time.Duration
	Closed Closer
	Close  time.Duration // meaningless with ClosedNot
	// Failure says why its TLS failed, such as "unknown certificate authority"; "" where it did not. Closed says which side
	// gave up.
	Failure string
	// Drawn and Applied are the indices of the connection faults whose triggers held, and of those that struck.
	Drawn, Applied []int
	Reason         string // why a fault struck; "" where none did
}

// Naming says how an attempt's call was named.
type Naming uint8

// The ways of naming a call; see the design's "Calls and attempts".
const (
	NamedByPrint  Naming = iota // method, path, query and body hash
	NamedByPrefix               // the /~ID prefix in the URL
	NamedByPath                 // the path variable "call"
	NamedByHeader
)

// Field is one header field, as it was on the wire; secret values are replaced by a salted hash.
type Field struct{ Name, Value string }

// Attempt is one request on the wire and what became of it.
type Attempt struct {
	Seq         uint64 // 1-based ordinal of the attempt in the run
	Conn        uint64 // 0 where the server ran as a bare handler
	ConnRequest int    // 1-based ordinal on its connection

	Route     string // the route's name; "" where none matched
	Nearest   string // with Route "": what comes nearest, in words
	Call      string // names the call, unique in the run
	CallNo    int    // the driver's number of the call, or its ordinal on the route; 1-based
	N         int    // 1-based ordinal of the attempt in its call
	Nth       int    // 1-based ordinal of the attempt on its route
	Naming    Naming
	Ambiguous bool // it cannot be told to which of several look-alike unfinished calls it belongs
	Client    string

	Method  string
	Target  string // as on the wire, less the prefix that names the call
	Host    string
	Headers []Field // in the order of the wire, unless HeaderOrderLost
	// HeaderOrderLost: the server ran as a bare handler, and the fields are sorted by name.
	HeaderOrderLost bool
	BodyLen         int64
	BodySHA256      [32]byte
	Body            []byte // the first bytes, up to the server's limit
	BodyWhole       bool   // the request's body was received to its end

	First time.Duration // first request byte
	Read  time.Duration // the request was read whole, or its reading ended
	Sent  time.Duration // before the write that carries the header block, or before the RST or FIN

	Phase   string // name of the phase in which the attempt arrived; ""
	Entry   int    // index of the entry of answers that answered; -1 where a fault, or nothing, did
	Drawn   []int  // indices of faults whose triggers held
	Applied []int  // indices of faults that struck
	Reason  string // such as "answers[0]" or "outage, faults[1]"

	Status     int    // sent; 0 where a wire fault leaves no answer
	Wire       string // the wire fault, such as "rst before-headers"; ""
	RetryAfter string // the field sent, such as "Retry-After: 2"; ""
	// Due is the instant before which no attempt may follow, with RetryAfter set by the scenario and readable
	// to a client; zero where HasDue is false.
	Due    time.Duration
	HasDue bool
	Delay  time.Duration // planned, before the first byte

	Limit   string  // name of the limit that refused the attempt; "" where none did
	Charged []int   // indices of the limits that counted it
	Told    []Quota // the quotas that the answer's fields tell
	Ledger  Ledger  // what the ledger said to the attempt
	Event   string  // the webhook event that the attempt is about: the path variable "event"; ""

	// What the end record says; Ended false means that the record was cut off.
	Ended     bool
	Done      time.Duration // last byte handed to the kernel, RST or FIN sent, or the client's abort seen
	BytesSent int64
	Whole     bool   // the whole answer was handed to the kernel
	Closed    Closer // ClosedNot: the connection stayed open
	Failure   string // why an answer could not be carried out as planned; "" where it was
}

// Quota is what an answer tells of a quota.
type Quota struct {
	Limit     int    // index of the limit; -1 where the answer's own quota tells it
	Bucket    string // which of the limit's buckets; "" where there is one for all
	Remaining int64
	Reset     time.Duration // the instant at which the client may count on more, where HasReset is true
	HasReset  bool
}

// Ledger says what the ledger had to do with an attempt.
type Ledger uint8

// What a ledger says. An attempt that committed an effect, and one of a route that keeps no ledger, have LedgerNone.
const (
	LedgerNone     Ledger = iota
	LedgerStored          // the key is known: the stored answer was given
	LedgerInFlight        // the first attempt with the key is at work
	LedgerMismatch        // the key is known with another payload
	LedgerMissing         // the route wants a key, and there was none
)

// Lateness is how late the machine woke a ticker: between At-Late and At nothing of ours ran in time.
type Lateness struct{ At, Late time.Duration }
