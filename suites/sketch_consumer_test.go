package suites_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"brownout/suites"
	"brownout/suites/trial"
)

// A hook is a consumer of webhooks as many a team writes it by hand: correct as soundHook returns it, and broken in one way
// for each field that is changed. It shares no code with package resilience, nor with what sends the deliveries.
type hook struct {
	up *trial.Upstream

	verifies   bool
	tolerance  time.Duration // 0: timestamps are not looked at
	reprints   bool          // verifies what its parser makes of the body
	everySig   bool          // looks at every signature of a list, not at the first alone
	refusal    int           // status of what is not genuine
	marks      string        // when an event is remembered: "after" its work, "before" it, "never"
	locks      bool          // an event that is at work is not begun again
	duplicate  int           // status of what was done already
	dropsAgain bool          // takes a retry marker for a duplicate
	key        func(d *hookDelivery) string
	behind     bool // works behind the answer, until it is done
	knows      func(kind string) bool
	strict     bool // refuses types that it does not know
	newest     bool // leaves out what is older than what it has

	mu       sync.Mutex // guards what follows
	done     map[string]bool
	working  map[string]bool
	versions map[string]float64
}

// hookDelivery is what a hook reads of a delivery.
type hookDelivery struct {
	header http.Header
	body   []byte
	id     string
	kind   string
	object string
	status string
	at     float64
	named  bool // its body names an object
}

// soundHook is a consumer without a flaw.
func soundHook(up *trial.Upstream) *hook {
	return &hook{
		up: up, verifies: true, tolerance: 5 * time.Minute, everySig: true, refusal: http.StatusUnauthorized, marks: "after", locks: true, duplicate: http.StatusOK,
		key: func(d *hookDelivery) string { return d.id }, knows: func(kind string) bool { return !strings.HasPrefix(kind, "zz.") }, newest: true,
		done: map[string]bool{}, working: map[string]bool{}, versions: map[string]float64{},
	}
}

// consuming makes consumers that are broken in one way.
func consuming(breakIt func(*hook)) suites.NewConsumer {
	return func(up *trial.Upstream) http.Handler {
		h := soundHook(up)
		breakIt(h)
		return h
	}
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	d := h.read(r, body)
	if h.verifies && !h.genuine(d) {
		w.WriteHeader(h.refusal)
		return
	}
	w.WriteHeader(h.take(d))
}

// read reads what a delivery is about.
func (h *hook) read(r *http.Request, body []byte) *hookDelivery {
	d := &hookDelivery{header: r.Header, body: body, id: r.Header.Get("webhook-id")}
	var event struct {
		ID      string  `json:"id"`
		EventID string  `json:"event_id"`
		Type    string  `json:"type"`
		Object  string  `json:"object"`
		Status  string  `json:"status"`
		At      float64 `json:"at"`
	}
	if json.Unmarshal(body, &event) == nil {
		d.kind, d.object, d.status, d.at, d.named = event.Type, event.Object, event.Status, event.At, event.Object != ""
		if d.id == "" {
			d.id = event.EventID + event.ID
		}
	}
	return d
}

// genuine verifies a delivery: of Slack, where it has Slack's headers, else of Standard Webhooks.
func (h *hook) genuine(d *hookDelivery) bool {
	s, name := standard, "standard"
	stamp := d.header.Get("webhook-timestamp")
	if slackStamp := d.header.Get("X-Slack-Request-Timestamp"); slackStamp != "" {
		s, name, stamp = slack, "slack", slackStamp
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if off := time.Since(time.Unix(seconds, 0)); h.tolerance > 0 && (err != nil || off.Abs() > h.tolerance) {
		return false
	}
	body := string(d.body)
	if h.reprints {
		var v any
		if json.Unmarshal(d.body, &v) == nil {
			body = string(must(json.Marshal(v)))
		}
	}
	given := strings.Fields(d.header.Get(s.field))
	if !h.everySig && len(given) > 1 {
		given = given[:1]
	}
	return slices.Contains(given, s.sign(h.up.Secret(name), d.header.Get("webhook-id"), stamp, body)[s.field])
}

// take does what a genuine delivery asks for, and returns the status of the answer.
func (h *hook) take(d *hookDelivery) int {
	if !h.knows(d.kind) {
		if h.strict {
			return http.StatusUnprocessableEntity
		}
		return http.StatusOK
	}
	if h.dropsAgain && d.header.Get("X-Slack-Retry-Num") != "" {
		return http.StatusOK
	}
	key := h.key(d)
	h.mu.Lock()
	switch {
	case h.done[key]:
		h.mu.Unlock()
		return h.duplicate
	case h.locks && h.working[key]:
		h.mu.Unlock()
		return http.StatusServiceUnavailable
	}
	h.working[key] = true
	if h.marks == "before" {
		h.done[key] = true
	}
	h.mu.Unlock()
	if h.behind {
		go func() {
			for h.finish(key, h.work(d)) != http.StatusOK {
				time.Sleep(100 * time.Millisecond)
			}
		}()
		return http.StatusAccepted
	}
	return h.finish(key, h.work(d))
}

// finish notes what came of the work, and returns the status of the answer.
func (h *hook) finish(key string, err error) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil && h.marks != "never" {
		h.done[key] = true
	}
	if err == nil || !h.behind {
		delete(h.working, key)
	}
	if err != nil {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

// work commits the effect of an event: on its object, where it names one.
func (h *hook) work(d *hookDelivery) error {
	path, method, body := "/effects/"+d.id, http.MethodPost, d.body
	if d.named {
		h.mu.Lock()
		older := h.newest && d.at < h.versions[d.object]
		h.versions[d.object] = max(h.versions[d.object], d.at)
		h.mu.Unlock()
		if older {
			return nil
		}
		path, method, body = "/objects/"+d.object, http.MethodPut, fmt.Appendf(nil, `{"status":%q}`, d.status)
	}
	req, err := http.NewRequest(method, h.up.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := h.up.Client.Do(req)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the upstream answered %d", resp.StatusCode)
	}
	return nil
}
