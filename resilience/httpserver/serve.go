package httpserver

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"brownout/resilience"
	"brownout/resilience/store"
)

// Handler returns next as a handler that runs once per idempotency key. What a request meets, in this order:
//
//   - Another method than the configured ones, or no key where none is required: next, unguarded.
//   - No key where one is required, several, or one that cannot be read: 400.
//   - A body that is too large: 413.
//   - The key of another request, that is, with another path, query or body: 422, also while that one is under way.
//   - An answer that is stored: that answer, with [ReplayedHeader]. Hop-by-hop fields, Date, cookies and ids are left out.
//   - A request under way: 409 with Retry-After, at the latest after Wait.
//   - An earlier execution with an unknown outcome: what Unknown says.
//   - A store that fails or is full: 503 with Retry-After. The handler does not run.
//
// Otherwise next runs. Its answer is held back, flushes included, until it is stored, then sent; one above MaxResponse is sent as
// it comes. A request cannot be hijacked. Its trailers are sent but not stored.
//
// When the store fails after next has run, the answer is sent all the same, since it is true. The key is in flight then until the
// lease ends, and its outcome unknown afterwards.
//
// Refusals are problems of RFC 9457, with a member "code" that tells them apart.
func (m *Idempotency) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys := r.Header[m.set.Header]
		if len(keys) == 0 && !m.set.Required || !slices.Contains(m.set.Methods, r.Method) {
			next.ServeHTTP(w, r)
			return
		}
		m.serve(next, w, r, keys)
	})
}

func (m *Idempotency) serve(next http.Handler, w http.ResponseWriter, r *http.Request, keys []string) {
	if len(keys) == 0 {
		m.problems.write(w, keyMissing)
		return
	}
	key, err := parseKey(keys[0], m.set.MaxKey)
	if len(keys) > 1 {
		err = errSeveralKeys
	}
	if err != nil {
		p := keyInvalid
		p.Detail = err.Error()
		m.problems.write(w, p)
		return
	}
	s := scratches.Get().(*scratch)
	id := s.keyOf(m.hash, kindIdempotency, m.set.Principal(r), r.Method, m.set.Route(r), key)
	print, body, err := s.fingerprint(r, m.set.MaxBody, m.hash)
	if err != nil {
		s.free()
		m.problems.refuseBody(w, err)
		return
	}
	claim, err := m.claim(r, id, print)
	if err == nil && claim.State == store.Won && !(claim.Reclaimed && m.set.Unknown == Hold) {
		e := &execution{scratch: s}
		e.claim.key, e.claim.token = id, claim.Token
		e.about.Key, e.about.Reclaimed = key, claim.Reclaimed
		e.body.rest = s.data[body:]
		m.run(next, w, r, e)
		return
	}
	s.free()
	if err != nil {
		m.problems.write(w, storeFailed)
		return
	}
	m.answer(w, r, id, claim)
}

var errSeveralKeys = errors.New("there are several keys, one is allowed")

// Kinds of work whose keys never meet.
const (
	kindIdempotency byte = 1
	kindWebhook     byte = 2
)

// claim claims the key of a request, waiting for another that has it as long as the settings say.
func (m *Idempotency) claim(r *http.Request, id store.Key, print store.Fingerprint) (store.Claim, error) {
	terms := store.Terms{Fingerprint: print, Lease: m.set.Lease, Keep: m.set.Keep}
	claim, err := m.store.Claim(r.Context(), id, terms)
	if err == nil && claim.State == store.InFlight && m.set.Wait > 0 {
		claim, err = m.wait(r, id, terms)
	}
	if m.set.Observer != nil {
		m.tell(r, claim, err)
	}
	return claim, err
}

// Pauses between two looks at a claim that is in flight.
const (
	firstLook = 5 * time.Millisecond
	lastLook  = 250 * time.Millisecond
)

// wait looks again and again until the claim is no longer in flight, the wait is over, or the client gone.
func (m *Idempotency) wait(r *http.Request, id store.Key, terms store.Terms) (store.Claim, error) {
	end := time.NewTimer(m.set.Wait)
	defer end.Stop()
	look := time.NewTimer(firstLook)
	defer look.Stop()
	for pause := firstLook; ; {
		over := false
		select {
		case <-look.C:
		case <-end.C:
			over = true
		case <-r.Context().Done():
		}
		claim, err := m.store.Claim(r.Context(), id, terms)
		if over || err != nil || claim.State != store.InFlight {
			return claim, err
		}
		pause = min(2*pause, lastLook)
		look.Reset(pause)
	}
}

// tell tells the observer what became of a claim.
func (m *Idempotency) tell(r *http.Request, c store.Claim, err error) {
	e := resilience.Event{Kind: resilience.EventDuplicate}
	switch {
	case err != nil:
		m.failed(r.Context(), err)
		return
	case c.Reclaimed:
		e.Kind = resilience.EventReclaimed
	case c.State == store.Won:
		return
	default:
		e.Reason = c.State.String()
	}
	m.observe(r.Context(), e)
}

// answer answers a request that does not run.
func (m *Idempotency) answer(w http.ResponseWriter, r *http.Request, id store.Key, c store.Claim) {
	switch c.State {
	case store.Done:
		if err := replay(w, c.Record); err != nil {
			m.failed(r.Context(), err)
			m.problems.write(w, storeFailed)
		}
	case store.Mismatch:
		m.problems.write(w, keyReused)
	case store.InFlight:
		m.problems.write(w, keyInFlight)
	default: // reclaimed, and held
		m.failed(r.Context(), settle(r.Context(), func(ctx context.Context) error { return m.store.Release(ctx, id, c.Token) }))
		m.problems.write(w, keyUnknown)
	}
}

// replay sends a stored answer.
func replay(w http.ResponseWriter, stored string) error {
	kind, status, values, rest, err := readHead(stored)
	if err != nil {
		return err
	}
	h := w.Header()
	body, err := readHeader(rest, values, h)
	if err != nil {
		return err
	}
	if kind == kindBodiless {
		for _, name := range bodyFields {
			delete(h, name)
		}
		h["Content-Length"] = []string{"0"}
		body = ""
	}
	w.WriteHeader(status)
	if body != "" {
		_, _ = io.WriteString(w, body) // the client is gone, and may ask again
	}
	return nil
}
