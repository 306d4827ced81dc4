package httpserver

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"brownout/resilience"
	"brownout/resilience/store"
)

// Defaults of [IdempotencySettings].
const (
	DefaultKeyHeader  = "Idempotency-Key" // draft-ietf-httpapi-idempotency-key-header-07, section 2
	DefaultMaxKey     = 255               // Stripe's and Adyen's documentation is at 255 and 64 characters
	DefaultMaxBody    = 1 << 20
	DefaultKeep       = 24 * time.Hour // Stripe keeps keys for at least as long
	DefaultLease      = 30 * time.Second
	DefaultRetryAfter = time.Second
)

// ReplayedHeader is set to "true" on every answer that comes from the store and not from the handler.
const ReplayedHeader = "Idempotent-Replayed"

// Unknown says what a request meets whose earlier execution has an unknown outcome: the process died, the handler panicked, or
// it was cancelled before it answered.
type Unknown uint8

const (
	// RunAgain runs the handler again; [Execution.Reclaimed] tells it to look first what the earlier one did. It is right
	// where the work is one transaction, or is itself idempotent.
	RunAgain Unknown = iota
	// Hold answers 409 until the key is forgotten, Keep after it was last asked for, so that nothing is done twice before a
	// person has looked.
	Hold
)

// String returns "run again" or "hold"; an unknown value as its number.
func (u Unknown) String() string {
	switch u {
	case RunAgain:
		return "run again"
	case Hold:
		return "hold"
	}
	return "Unknown(" + strconv.Itoa(int(u)) + ")"
}

// IdempotencySettings describe an [Idempotency]. Principal is required; the zero values of the others are the defaults.
type IdempotencySettings struct {
	// Name stands in events.
	Name string
	// Principal names who is asking: the account, as authenticated. One principal's keys never meet another's. Required;
	// use [NoPrincipal] only where everybody may see everybody's answers.
	Principal func(*http.Request) string
	// Route names the operation. Nil means the pattern of the http.ServeMux that the middleware stands behind, or the path
	// where there is none. The path, the query and the body are compared in any case: they may not change under a key.
	Route func(*http.Request) string
	// Methods are those that may be made idempotent. Nil means POST and PATCH, the ones that are not idempotent by themselves.
	Methods []string
	// Header carries the key: a String of RFC 9651, or bare. Empty means [DefaultKeyHeader].
	Header string
	// Required refuses requests of these methods without a key with 400. Otherwise they run unguarded.
	Required bool
	// MaxKey is how many characters a key may have. 0 means [DefaultMaxKey].
	MaxKey int
	// MaxBody is how many bytes of a request's body are read; a larger one is refused with 413. 0 means [DefaultMaxBody].
	MaxBody int64
	// MaxResponse is how many bytes of a response's body are stored. A larger one is streamed, and repeated without its
	// body: the handler never runs a second time for its size. 0 means [DefaultMaxBody].
	MaxResponse int
	// KeepCookies stores Set-Cookie as well. Without it a repetition sets none.
	KeepCookies bool
	// DropHeaders are not stored, besides hop-by-hop fields, Date, and the ids of requests and traces.
	DropHeaders []string
	// Remember says which answers are stored; for another the key is free again. Nil means every status but 429. It is not
	// asked about answers that the handler marked with [NotApplied], which are never stored.
	Remember func(status int) bool
	// Unknown says what a request meets whose earlier execution has an unknown outcome.
	Unknown Unknown
	// Detach lets the handler go on when its client goes away: its context is not cancelled then.
	Detach bool
	// Keep is how long answers are stored. 0 means [DefaultKeep]. State it in the API's documentation: a client must
	// not repeat a request later than that.
	Keep time.Duration
	// Lease is how long after the death of its process a request can be taken up again. It is renewed while the handler
	// runs. 0 means [DefaultLease].
	Lease time.Duration
	// Wait is how long a request waits for another with its key before it is refused with 409. 0 means not at all.
	Wait time.Duration
	// RetryAfter is what requests are told that are refused for one that is under way, or for the store. 0 means [DefaultRetryAfter].
	RetryAfter time.Duration
	// Documentation is the URL of the API's page on idempotency, for the Link field of refusals, as the draft has it.
	Documentation string
	// Observer is told of duplicates, of claims taken over, and of failures of the store. Nil costs nothing.
	Observer resilience.Observer
}

// NoPrincipal is a Principal for an API without accounts.
func NoPrincipal(*http.Request) string { return "" }

// Idempotency is middleware that runs a handler once per idempotency key; see [Idempotency.Handler]. It may be used for
// several handlers, and by several goroutines.
type Idempotency struct {
	set      IdempotencySettings
	store    store.Store
	hash     func([]byte) [16]byte
	keeper   *keeper
	skip     func(name string) bool // tells header fields that are not stored
	problems problems
}

// NewIdempotency returns middleware that keeps answers in s. The error names the setting that cannot be accepted.
func NewIdempotency(s store.Store, settings IdempotencySettings) (*Idempotency, error) {
	if err := settings.check(s); err != nil {
		return nil, err
	}
	settings.fill()
	m := &Idempotency{
		set:      settings,
		store:    s,
		hash:     hashOf(s),
		keeper:   newKeeper(s, settings.Lease),
		problems: newProblems(settings.Documentation, settings.RetryAfter),
	}
	drop := map[string]bool{"Set-Cookie": !settings.KeepCookies}
	for _, name := range slices.Concat(notStored, settings.DropHeaders) {
		drop[http.CanonicalHeaderKey(name)] = true
	}
	m.skip = func(name string) bool { return drop[name] }
	return m, nil
}

func (s *IdempotencySettings) check(in store.Store) error {
	if in == nil {
		return &resilience.SettingError{Field: "store", Value: "nil", Want: "a store.Store"}
	}
	if s.Principal == nil {
		return &resilience.SettingError{Field: "IdempotencySettings.Principal", Value: "nil",
			Want: "a function that names the authenticated account; NoPrincipal where there are no accounts"}
	}
	if s.Unknown > Hold {
		return &resilience.SettingError{Field: "IdempotencySettings.Unknown", Value: s.Unknown, Want: "RunAgain or Hold"}
	}
	for _, f := range []struct {
		name   string
		value  any
		ok     bool
		accept string
	}{
		{"MaxKey", s.MaxKey, s.MaxKey >= 0 && s.MaxKey <= maxMaxKey, "0 (the default, 255) to 4096"},
		{"MaxBody", s.MaxBody, s.MaxBody >= 0 && s.MaxBody <= maxMaxBody, "0 (the default, 1 MiB) to 1 GiB"},
		{"MaxResponse", s.MaxResponse, s.MaxResponse >= 0 && s.MaxResponse <= maxMaxBody, "0 (the default, 1 MiB) to 1 GiB"},
		{"Lease", s.Lease, s.Lease == 0 || s.Lease >= minLease && s.Lease <= store.MaxKeep, "0 (the default, 30s) or at least 10ms"},
		{"Keep", s.Keep, s.Keep == 0 || s.Keep >= max(s.Lease, minLease) && s.Keep <= store.MaxKeep, "0 (the default, 24h), or from Lease to 876000h"},
		{"Wait", s.Wait, s.Wait >= 0, "0 (not at all) or more"},
		{"RetryAfter", s.RetryAfter, s.RetryAfter >= 0, "0 (the default, 1s) or more"},
	} {
		if !f.ok {
			return &resilience.SettingError{Field: "IdempotencySettings." + f.name, Value: f.value, Want: f.accept}
		}
	}
	return nil
}

// Bounds of settings.
const (
	maxMaxKey  = 4096
	maxMaxBody = 1 << 30
	minLease   = 10 * time.Millisecond // it is renewed three times as often
)

func (s *IdempotencySettings) fill() {
	if s.Methods == nil {
		s.Methods = []string{http.MethodPost, http.MethodPatch}
	}
	if s.Header == "" {
		s.Header = DefaultKeyHeader
	}
	s.Header = http.CanonicalHeaderKey(strings.TrimSpace(s.Header))
	s.MaxKey = cmp.Or(s.MaxKey, DefaultMaxKey)
	s.MaxBody = cmp.Or(s.MaxBody, DefaultMaxBody)
	s.MaxResponse = cmp.Or(s.MaxResponse, DefaultMaxBody)
	s.Lease = cmp.Or(s.Lease, DefaultLease)
	s.Keep = cmp.Or(s.Keep, max(DefaultKeep, s.Lease))
	s.RetryAfter = cmp.Or(s.RetryAfter, DefaultRetryAfter)
	if s.Route == nil {
		s.Route = patternOrPath
	}
	if s.Remember == nil {
		s.Remember = func(status int) bool { return status != http.StatusTooManyRequests }
	}
}

func patternOrPath(r *http.Request) string {
	if r.Pattern != "" {
		return r.Pattern
	}
	return r.URL.Path
}
