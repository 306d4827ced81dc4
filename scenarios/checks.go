package scenarios

import "time"

// Params holds the parameters of one check. Its concrete type, a pointer to one of the types below, names the
// check; the owner of the check's behaviour is keyed by it.
type Params interface{ check() }

// Share is a share from 0 to 1.
type Share float64

// Count is a number of things, or the profile's declared one.
type Count struct {
	Pos      Pos
	N        int
	Declared bool // take the profile's value; N is 0
}

// Succeeds holds when the last attempt of at least Share of the calls got a whole 2xx, or of none of them.
type Succeeds struct {
	Share Share // 1 means all
	None  bool  // no call may succeed
}

// Attempts bounds the attempts of each call. A nil bound is not judged; at least one is set.
type Attempts struct{ PerCall, Min, Max *Count }

// RetriesOn holds when exactly these statuses are retried.
type RetriesOn struct {
	Exactly  []int
	Declared bool // take the profile's retries_on
}

// NeverRetries holds when no attempt follows an answer of these statuses.
type NeverRetries struct {
	Status []int // nil: the definitive ones, 400 401 403 404 405 406 410 411 413 (without Retry-After) 415 422 451
}

// NoUnsafeRetry holds when an unsafe request of unknown outcome has one attempt only.
type NoUnsafeRetry struct{}

// SameRequest holds when method, target, body digest and content headers of a call's attempts are equal.
type SameRequest struct{}

// HonoursRetryAfter holds when no attempt came before it was due.
type HonoursRetryAfter struct {
	Tolerance time.Duration  // 25ms by default
	Late      *time.Duration // at most so long after it was due; nil: not judged
}

// Waits holds when the gap after a failure, or after one of the statuses, is at least AtLeast.
type Waits struct {
	AtLeast time.Duration
	After   []int // nil: any failure
}

// NoHotLoop holds when the mean over the calls of each gap from the second on is at least Mean.
type NoHotLoop struct {
	Mean *time.Duration // nil: 10ms, and 100ms after a 429
}

// BackoffGrows holds when delays grow with the attempt number (GROW3, GROW2 of the rules).
type BackoffGrows struct{}

// BackoffJitters holds when delays are randomised (JIT of the rules).
type BackoffJitters struct{}

// Amplification bounds attempts per call after a share of the phase.
type Amplification struct {
	Max   float64 // 1.3 by default
	After Share   // 0.5 by default
}

// SameAs holds when the calls of each other case behave as those of the Control case do.
type SameAs struct {
	Control string   // a case's name
	Compare []string // attempts, outcome, gaps, pace; nil: attempts and outcome
	Within  Share    // 0.2 by default; 0 means equal
}

// LeavesConnection holds when no request follows on a connection behind an answer that said Connection: close, a FIN on the
// idle connection, or stray bytes there.
type LeavesConnection struct{}

// AttemptEnds holds when the client gives up each attempt that is not answered.
type AttemptEnds struct {
	Within *time.Duration // nil: the declared attempt_timeout, else 60s
}

// SpreadsOut holds when of the calls that a hold released together less than Max retry within any one Window (HERD).
type SpreadsOut struct {
	Window time.Duration // 100ms by default
	Max    Share         // 0.9 by default
}

// Acknowledgement is what a consumer is expected to answer to good deliveries.
type Acknowledgement uint8

// The acknowledgements.
const (
	AckSuccess Acknowledgement = iota // 2xx
	AckRefusal                        // anything else
)

// Acknowledges holds when the consumer answers each good delivery in time, with success.
type Acknowledges struct {
	Within  *time.Duration // nil: the sender's timeout
	Status  Acknowledgement
	Nth     *Range // only these deliveries of each event; nil: all, and where they are sent again the last
	AtLeast int    // so many of each event; 0: all
}

// Refuses holds when the consumer refuses each bad delivery, and it has no effect.
type Refuses struct {
	Status []int // nil: any 4xx
}

// FinalEffect holds when the last effect on an object has what JSON has in its body.
type FinalEffect struct {
	Object string   // the last segment of the path of its effects
	JSON   Template // without variables
}

// SameIdempotencyKey holds when all attempts of a call carry one key.
type SameIdempotencyKey struct{}

// DistinctIdempotencyKeys holds when no key is in two calls, nor with two bodies.
type DistinctIdempotencyKeys struct{}

// KeyFromFirstAttempt holds when a retried call had its key at once.
type KeyFromFirstAttempt struct{}

// NotResentUnchanged holds when no attempt with equal key and body follows an answer of these statuses.
type NotResentUnchanged struct {
	Status []int // nil: 400 and 422
}

// Effects bounds the effects that the ledger holds. Nil bounds are not judged; at least one is set.
type Effects struct {
	PerCall  *Bounds // of each call
	PerEvent *Bounds // of each event with a good delivery
	Total    *Bounds
}

// Truthful holds when the client says that a call went well exactly where it had an effect.
type Truthful struct{}

// RightResult holds when each result that the client calls a success is a body that was sent whole for its call.
type RightResult struct{}

// Connections bounds the connections of the clients. A nil bound is not judged; at least one is set.
type Connections struct {
	Max       *Count // distinct connections
	Open      *Count // open at once
	PerCall   *Count // distinct connections of one call
	AfterStop *Count // left open when the client has ended
}

// StopsAfterSuccess holds when no attempt of a call follows a whole 2xx, and those then under way are given up.
type StopsAfterSuccess struct{}

// InFlight bounds the attempts that are under way at one instant. A nil bound is not judged; at least one is set.
type InFlight struct {
	PerCall *Count // of one call; declared is the profile's hedge_max
	Total   *Count // of all calls together; declared is the profile's client_concurrency
}

// RetriesReturn holds when at least Min failed attempts are tried again.
type RetriesReturn struct {
	Min int // 1 by default
}

// ClientsDiffer holds when clients do not wait alike: of two gap lists, one gap at least differs by more than By.
type ClientsDiffer struct {
	By time.Duration // 20ms by default
}

// KeepsDeadline holds when no attempt starts after its call's deadline.
type KeepsDeadline struct {
	Of *time.Duration // nil: the call's own where the driver gave it one, else the profile's
}

// Ends holds when each call has its result, and had it in time.
type Ends struct {
	Within *time.Duration // nil: the call's own deadline where the driver gave it one, else the profile's, else any time
}

// OpensCircuit holds when failures in a row make the client refuse calls, and leave the upstream alone.
type OpensCircuit struct {
	After *Count // failures in a row; nil: the profile's breaker_after
	For   Share  // of the profile's open_time; 0.8 by default
}

// CircuitStaysClosed holds when every call reaches the wire.
type CircuitStaysClosed struct{}

// FailsFast holds when calls that the client refuses itself are refused at once, and no connection is made for them.
type FailsFast struct {
	Within time.Duration // 50ms by default
}

// HalfOpenProbes bounds the calls that a half-open circuit lets through at once.
type HalfOpenProbes struct {
	Max *Count // nil: the profile's half_open_max, else 1
}

// ClosesCircuit holds when Share of the calls reach the wire again once the upstream is well.
type ClosesCircuit struct {
	Within *time.Duration // nil: the profile's open_time
	Share  Share          // 0.95 by default
}

// StopsWhenCancelled holds when a cancelled call sends nothing any more, and gives up what is under way.
type StopsWhenCancelled struct {
	Within time.Duration // 500ms by default
}

// WithinQuota holds when no attempt comes while the client has been told that nothing remains of its quota.
type WithinQuota struct {
	Late *Share // at most so much of the wait later; nil: not judged
}

// LimitsItself holds when a client's attempts keep to its own limits. What is nil is the profile's, if that declares it.
type LimitsItself struct {
	Rate         *Rate
	RateDeclared bool // take the profile's client_rate; Rate is nil
	Burst        *Count
	Concurrency  *Count
}

// PausesOthers holds when other calls rest as well while one was told to wait.
type PausesOthers struct {
	Scope string // origin or path; "": the profile's pause_scope
}

func (*Succeeds) check()                {}
func (*Attempts) check()                {}
func (*RetriesOn) check()               {}
func (*NeverRetries) check()            {}
func (*NoUnsafeRetry) check()           {}
func (*SameRequest) check()             {}
func (*HonoursRetryAfter) check()       {}
func (*Waits) check()                   {}
func (*NoHotLoop) check()               {}
func (*BackoffGrows) check()            {}
func (*BackoffJitters) check()          {}
func (*Amplification) check()           {}
func (*SameAs) check()                  {}
func (*LeavesConnection) check()        {}
func (*AttemptEnds) check()             {}
func (*SpreadsOut) check()              {}
func (*Acknowledges) check()            {}
func (*Refuses) check()                 {}
func (*FinalEffect) check()             {}
func (*SameIdempotencyKey) check()      {}
func (*DistinctIdempotencyKeys) check() {}
func (*KeyFromFirstAttempt) check()     {}
func (*WithinQuota) check()             {}
func (*LimitsItself) check()            {}
func (*PausesOthers) check()            {}
func (*Connections) check()             {}
func (*StopsAfterSuccess) check()       {}
func (*InFlight) check()                {}
func (*RetriesReturn) check()           {}
func (*ClientsDiffer) check()           {}
func (*KeepsDeadline) check()           {}
func (*NotResentUnchanged) check()      {}
func (*Effects) check()                 {}
func (*Truthful) check()                {}
func (*RightResult) check()             {}
func (*Ends) check()                    {}
func (*OpensCircuit) check()            {}
func (*CircuitStaysClosed) check()      {}
func (*FailsFast) check()               {}
func (*HalfOpenProbes) check()          {}
func (*ClosesCircuit) check()           {}
func (*StopsWhenCancelled) check()      {}
