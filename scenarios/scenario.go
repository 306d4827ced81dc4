package scenarios

import "time"

// Scenario is one scenario file, checked: what the upstream does, what the client is asked to do, and what it
// must show. A Scenario is read-only once loaded, and may be shared by goroutines.
type Scenario struct {
	File   string // as the caller named it; "" for one made in memory
	Source []byte // the file's text, for excerpts; nil for one made in memory

	Name     string
	Summary  string
	Seed     uint64 // of all chance; 1 where the file gives none
	SeedPos  Pos    // zero where the file gives none
	Rules    []string
	Server   Server
	Profile  Profile
	Phases   []Phase
	Identity Identity
	Routes   []Route // first match wins; empty: every path answers 200 with a small JSON object
	Faults   []Fault
	Limits   []Limit // the upstream's own quotas
	// Deliveries are webhooks that are sent to a consumer; empty: none.
	Deliveries []Delivery
	Drive      []Step
	Expect     []Expectation // empty: the file can be served, not run

	// Undeclared names the profile values that a unit or a check of the file needs and the profile does not
	// declare; a scenario with any is skipped, naming them.
	Undeclared []string

	// Warnings are the problems that do not stop the file from being used, sorted by position.
	Warnings Errors

	written map[string]string // by path: values in units of the profile, as they were written
}

// Pos is a place in a scenario file: one value on one line, and where a report reads better so (a status, a retry_after, a
// delay, a wire fault, a chance, when) with its key. The zero Pos means the scenario was made in memory.
type Pos struct {
	Line   int // 1-based
	Column int // 1-based, in runes
	End    int // column after the value's last rune on that line; Column where it is not known
}

// Profile holds what the client under test declares of itself; see GRAMMAR "profile". A nil or zero field is
// undeclared, and what is undeclared is not judged.
type Profile struct {
	MaxAttempts       *int
	RetriesOn         []int // statuses
	Base              *time.Duration
	Cap               *time.Duration
	AttemptTimeout    *time.Duration
	Deadline          *time.Duration
	RetryAfterMax     *time.Duration
	BreakerAfter      *int
	OpenTime          *time.Duration
	HalfOpenMax       *int
	ClientRate        *Rate
	ClientBurst       *int
	ClientConcurrency *int
	Pool              *int
	KeepAlive         *bool
	KeyHeader         string // "" means Idempotency-Key
	KeyFrom           string // "random" or "content"; "" undeclared
	QuotaDialect      string
	PauseScope        string // origin, path, call or none; "" undeclared
	HedgeAfter        *time.Duration
	HedgeMax          *int
}

// Rate is so many events in so long a time, such as 80/1m.
type Rate struct {
	Events float64
	Per    time.Duration // 1s where the file gives none
}

// Phase is a named stretch of the scenario's time; phases follow one another from time 0.
type Phase struct {
	Pos      Pos
	Name     string
	For      time.Duration // 0 with Attempts 0: to the end (the last phase only)
	Attempts int           // length in attempts instead of time; 0 when For says it
	Optional bool          // need not be reached
}

// Identity says how calls and clients are told apart.
type Identity struct {
	By       string        // "", "path" or "header"
	Header   string        // with By "header"
	Quiet    time.Duration // a print's call ends after so long without an attempt; 60s by default
	ClientBy string        // "", "ip" or "header"
	// ClientHeader is the header that names the client, with ClientBy "header".
	ClientHeader string
	Pos          Pos
}

// Route is one healthy behaviour of the upstream.
type Route struct {
	Pos     Pos
	Index   int    // its place in Routes
	Name    string // as given, else its match as written
	Match   []Match
	Answers []Answer // one per attempt of a call; the last repeats; never empty; with Cases, those of all cases
	Cases   []Case   // nil: Answers is one list
	// Plain: the file gives no answers. Answers is then one 200; in front of an upstream, that answers.
	Plain  bool
	Per    Per     // what the list counts
	Commit *Commit // nil: the route has no effects
}

// Match is what a request must look like; every part that is set must hold.
type Match struct {
	Pos    Pos
	Method string // "" means any
	Path   Path
	Header []HeaderMatch
	Body   *TextMatch
	Host   string // name of the host that it came to; "" means any
}

// Path is a path template: /items/:id, /static/*.
type Path struct {
	Text     string // as written
	Segments []Segment
	Rest     bool // ends in *, the rest of the path
}

// Literal reports whether the path has neither variables nor a rest, so that one string comparison matches it.
func (p Path) Literal() bool {
	if p.Rest {
		return false
	}
	for _, s := range p.Segments {
		if s.Var != "" {
			return false
		}
	}
	return true
}

// Segment is one segment of a path template: either a literal or a variable.
type Segment struct {
	Literal string
	Var     string // without the colon; "" for a literal
}

// HeaderMatch holds for a request one of whose fields of that name fits.
type HeaderMatch struct {
	Name string
	TextMatch
}

// TextMatch fits a text that contains Contains, or that the regular expression matches.
type TextMatch struct {
	Pos      Pos
	Text     string // as written
	Contains string // "" with Regexp set
	Regexp   Regexp // unset for a plain text
}

// Answer is what the server does to one attempt: an entry of a route's answers, or what a fault lays over it.
type Answer struct {
	Pos        Pos
	Index      int // its place in the list; 0 in a fault
	Status     int // 100 to 599; 0 in a fault that answers nothing
	StatusPos  Pos
	Headers    []Header
	Body       Body
	RetryAfter *RetryAfter
	Quota      *ToldQuota // what it tells of a quota; nil for nothing
	Framing    Framing
	Encoding   Encoding
	Redirect   Template      // path of the Location, inside the call's own URL; "" for none
	Interim    []int         // statuses of 1xx, sent before the answer
	Early      *int64        // answers after so many bytes of the request's body, then reads on; nil: after all of it
	Connection string        // "close" says Connection: close; ""
	Linger     time.Duration // with Connection: how long the connection stays open, and is read from
	Delay      *Delay        // before the first byte
	Hold       *Hold         // a gate before the first byte, behind Delay; nil for none
	BodyDelay  *Delay        // between the header block and the body
	Wire       *WireFault
	Commit     *bool // whether it is an effect; nil: as a 2xx is, and in a fault as what it is laid over
	Times      int   // so many attempts get this entry; 1 by default, 0 in a fault
	Optional   bool  // need not be reached
}

// Header is one response field, sent as written.
type Header struct {
	Name   string
	Value  Template
	Repeat string // {repeat: "9", size: 4KiB}: this text repeated to Size bytes; "" otherwise
	Size   int64
}

// BodyKind says where a body comes from.
type BodyKind uint8

// The kinds of body.
const (
	BodyDefault BodyKind = iota // the small JSON object of an answer that names no body
	BodyJSON
	BodyText
	BodySize // Size seeded bytes
	BodyFile // the content of a file beside the scenario
)

// Body is the content of an answer or of a driven request.
type Body struct {
	Kind BodyKind
	Text Template // the JSON (compact, key order kept) or the text
	Size int64    // bytes, with BodySize
	File string   // as written, with BodyFile
	Data []byte   // what File held when the scenario was read
}

// Framing says how a client can tell where a body ends (RFC 9112, section 6).
type Framing uint8

// The framings.
const (
	FramingLength Framing = iota // Content-Length
	FramingChunked
	FramingClose // the end of the connection
)

// Encoding is the content coding of a body.
type Encoding uint8

// The encodings.
const (
	EncodingNone Encoding = iota
	EncodingGzip
	EncodingCutGzip // whole framing around a gzip stream that is cut at 60 %
)

// RetryAfterForm is how a Retry-After is written.
type RetryAfterForm uint8

// The forms of a Retry-After. FormMillis writes retry-after-ms; the others write Retry-After.
const (
	FormSeconds RetryAfterForm = iota
	FormFloat
	FormMillis
	FormDate // IMF-fixdate
	FormRFC850
	FormASCTime
)

// RetryAfter writes a Retry-After header and arms the checks.
type RetryAfter struct {
	Pos Pos
	In  time.Duration // may be negative
	As  RetryAfterForm
}

// DelayKind is a distribution of delays.
type DelayKind uint8

// The distributions. See GRAMMAR "delay".
const (
	DelayFixed     DelayKind = iota // Fixed
	DelayUniform                    // Fixed..To
	DelayNormal                     // Mean, SD
	DelayLognormal                  // {p50, p99}: Table holds the two
	DelayTable                      // quantiles in Table, straight lines between
)

// Delay is a delay or a distribution of delays.
type Delay struct {
	Pos      Pos
	Kind     DelayKind
	Fixed    time.Duration // also the lower end of a uniform delay
	To       time.Duration // upper end of a uniform delay
	Mean, SD time.Duration
	Table    []Quantile // ascending by P
	Min, Max *time.Duration
}

// Quantile is one point of a table of delays: a share P of them is at most Value.
type Quantile struct {
	P     float64 // 0 to 1
	Value time.Duration
}

// Fault is an answer, or a part of one, that a healthy upstream would not give, with its triggers.
type Fault struct {
	Pos    Pos
	Index  int    // its place in Faults
	Name   string // as given, else "faults[i]"; seeds its chance
	Answer Answer // Status 0: laid over the healthy answer
	// Duplicate sends the request to the upstream of a proxy several times; nil: once.
	Duplicate *Duplicate
	Chance    Chance
	Optional  bool
	When      When
}

// OnConnection reports whether the fault strikes at accept or tls, before anything of a request is known. So does one that
// closes the port.
func (f *Fault) OnConnection() bool { return f.Answer.Wire != nil && f.Answer.Wire.At <= AtTLS }

// Refuses reports whether the fault closes the port while its triggers hold.
func (f *Fault) Refuses() bool { return f.Answer.Wire != nil && f.Answer.Wire.Do == WireRefuse }

// Ahead reports whether the answer has to be decided before the request's body is read: it strikes there, or comes early.
func (a *Answer) Ahead() bool {
	return a.Early != nil || a.Wire != nil && a.Wire.At == AtRequestBody
}

// Ahead reports whether an attempt has to be decided about before its body is read.
func (s *Scenario) Ahead() bool {
	for i := range s.Routes {
		for j := range s.Routes[i].Answers {
			if s.Routes[i].Answers[j].Ahead() {
				return true
			}
		}
	}
	for i := range s.Faults {
		if s.Faults[i].Answer.Ahead() {
			return true
		}
	}
	for i := range s.Limits {
		if s.Limits[i].Answer.Ahead() {
			return true
		}
	}
	return false
}

// Chance is a share of attempts, from 0 to 1, or a straight line over the window of the fault's own When.
type Chance struct {
	Pos      Pos
	Set      bool // false: always, and nothing is drawn
	From, To float64
	Ramp     bool // From at the window's start, To at its end
}

// When holds a fault's triggers, all of which must hold; the zero When always holds.
type When struct {
	Pos         Pos
	Attempt     *Range
	Call        *Range
	Nth         *Range
	Every       int // every so many attempts of the route; 0 unset
	ConnRequest *Range
	Elapsed     *Window
	Phase       []string // any of them
	Case        []string // any of them
	Burst       *Burst
	Method      []string // any of them
	Path        *Path
	Header      []HeaderMatch
	Body        *TextMatch
	Client      *TextMatch
	Host        []string // names of hosts, any of them
}

// Range is a range of counts, both ends included.
type Range struct {
	Pos      Pos
	From, To int // To 0: open
}

// Holds reports whether n lies in the range.
func (r Range) Holds(n int) bool { return n >= r.From && (r.To == 0 || n <= r.To) }

// Window is a stretch of the scenario's time, its end not included: From to To, or every Every for For, first at From.
type Window struct {
	Pos   Pos
	From  time.Duration
	To    time.Duration // 0: open
	Every time.Duration // 0: not periodic
	For   time.Duration // with Every
}

// Burst alternates good and bad spells of the stated mean length, starting with a good one; the fault strikes in
// the bad ones. Either both in time or both in attempts.
type Burst struct {
	Pos                       Pos
	Bad, Good                 time.Duration
	BadAttempts, GoodAttempts float64
}

// Step is one thing that the client is asked to do.
type Step struct {
	Pos         Pos
	Requests    []Request     // taken in turn
	Cases       []string      // the step is done for each; nil: once
	Calls       int           // so many; 0 with For set
	For         time.Duration // or so long
	Concurrency int           // 0: unbounded (only with Rate); else at least 1
	Rate        *Rate         // calls started at that rate whatever comes back
	Clients     int           // fresh clients that share the calls; at least 1
	Fresh       bool
	Body        Body // BodyDefault: no content
	Headers     []Header
	Stream      bool
	Idempotent  bool
	Deadline    time.Duration // 0: none
	CancelAfter time.Duration // 0: never
	Host        string        // name of the host that is called; "" the first
	Wait        time.Duration
	Settle      *time.Duration // nil: the larger of 2s and 2 cap
}

// Request is a request line of a step.
type Request struct {
	Pos    Pos
	Method string
	Path   Path
	Query  string // raw, without the question mark
}

// Level is what an unmet expectation counts for.
type Level uint8

// The levels.
const (
	LevelFail Level = iota
	LevelWarn
	LevelInfo
)

// Expectation is one entry of expect: a check with its parameters and its scope.
type Expectation struct {
	Pos    Pos    // of the check's name
	Name   string // of the check, as in the table
	Params Params // pointer to the check's parameter type, such as *HonoursRetryAfter
	Route  string // judge only calls of this route; "" all
	Phase  string // judge only calls that began in this phase; "" all
	Case   string // judge only calls of this case; "" all
	Host   string // judge only calls to this host; "" all
	Event  string // judge only this event, or all events of an entry of that id; "" all
	Level  Level
}
