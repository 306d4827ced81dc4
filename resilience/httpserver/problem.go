package httpserver

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// problem is a refusal, as RFC 9457 has it. Its type is about:blank, so the title is the status, and code tells them apart.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`

	again bool // the same request may succeed later
}

var (
	keyMissing = problem{Status: http.StatusBadRequest, Code: "idempotency_key_missing",
		Detail: "this operation requires an idempotency key; send a new one with each operation, and the same one when repeating it"}
	keyInvalid = problem{Status: http.StatusBadRequest, Code: "idempotency_key_invalid"}
	keyReused  = problem{Status: http.StatusUnprocessableEntity, Code: "idempotency_key_reused",
		Detail: "this idempotency key was used with another request; send a new key with each operation"}
	keyInFlight = problem{Status: http.StatusConflict, Code: "idempotency_key_in_flight",
		Detail: "a request with this idempotency key is under way; repeat this one later, with the same key", again: true}
	keyLost = problem{Status: http.StatusConflict, Code: "idempotency_key_taken_over",
		Detail: "another execution took this request over; repeat it later, with the same key, to get its answer", again: true}
	keyUnknown = problem{Status: http.StatusConflict, Code: "idempotency_outcome_unknown",
		Detail: "an earlier request with this idempotency key ended without an answer, so it is not known what it did; it is not run again"}
	bodyTooLarge = problem{Status: http.StatusRequestEntityTooLarge, Code: "body_too_large",
		Detail: "the request body is larger than this endpoint reads"}
	bodyUnreadable = problem{Status: http.StatusBadRequest, Code: "body_unreadable", Detail: "the request body ended early"}
	storeFailed    = problem{Status: http.StatusServiceUnavailable, Code: "store_unavailable",
		Detail: "it cannot be known whether this was done already, so it is not done now; repeat it later", again: true}
)

// problems writes refusals.
type problems struct {
	link  []string // nil if there is no documentation
	again []string
}

func newProblems(documentation string, retryAfter time.Duration) problems {
	p := problems{again: []string{seconds(retryAfter)}}
	if documentation != "" {
		p.link = []string{"<" + documentation + `>; rel="describedby"; type="text/html"`}
	}
	return p
}

// seconds returns a delay as Retry-After has it, rounded up: who comes early is refused again.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

func (ps problems) write(w http.ResponseWriter, p problem) {
	again := ""
	if p.again {
		again = ps.again[0]
	}
	ps.writeAfter(w, p, again)
}

// writeAfter is write with a Retry-After of its own.
func (ps problems) writeAfter(w http.ResponseWriter, p problem, retryAfter string) {
	p.Title = http.StatusText(p.Status)
	body, err := json.Marshal(p)
	if err != nil { // no problem has a field that cannot be marshalled
		body = nil
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if retryAfter != "" {
		h.Set("Retry-After", retryAfter)
	}
	if ps.link != nil {
		h["Link"] = append(h["Link"], ps.link...)
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n'))
}

// refuseBody answers a request whose body could not be read.
func (ps problems) refuseBody(w http.ResponseWriter, err error) {
	if errors.Is(err, errTooLarge) {
		w.Header().Set("Connection", "close") // the rest of the body is not read
		ps.write(w, bodyTooLarge)
		return
	}
	ps.write(w, bodyUnreadable)
}
