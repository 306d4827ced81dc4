package chaosserver

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"brownout/chaosserver/journal"
)

// TestDuplicates: the copies of a request are at the upstream side by side, equal byte for byte; the client gets the answer to
// the first, and the journal has the status of each.
func TestDuplicates(t *testing.T) {
	const copies = 3
	var all sync.WaitGroup // each waits for the others, so that none is answered before all have come
	all.Add(copies)
	var mu sync.Mutex
	var got []string
	up := newFarEnd(t, func(f *far) {
		h := f.head()
		b := make([]byte, 5)
		_, _ = io.ReadFull(f.in, b)
		mu.Lock()
		got = append(got, h+string(b))
		n := len(got)
		mu.Unlock()
		all.Done()
		all.Wait()
		status := "409 Conflict"
		if n == 1 {
			status = "201 Created"
		}
		f.say("HTTP/1.1 " + status + "\r\nDate: x\r\nContent-Length: 0\r\n\r\n")
		f.head()
	})
	srv := up.before(t, "faults: [{name: twice, duplicate: 3, when: {method: POST}}]")
	c := dial(t, srv)
	c.say(t, "POST /pay HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
	answer := c.answer(t)
	must(t, srv.Await(within(t), func(log *journal.Log) bool { return len(log.Forwards) == copies }))
	if len(got) != copies || got[0] != got[1] || got[1] != got[2] || !strings.HasPrefix(got[0], "POST /pay HTTP/1.1\r\n") {
		t.Errorf("the upstream got %q", got)
	}
	log := srv.Journal().Log()
	var statuses []int
	for _, f := range log.Forwards {
		if f.Failure != "" || f.Seq != 1 {
			t.Errorf("%+v", f)
		}
		statuses = append(statuses, f.Status)
		if f.Copy == 1 && !strings.HasPrefix(answer, fmt.Sprintf("HTTP/1.1 %d ", f.Status)) {
			t.Errorf("the client got %q, the first copy %d", answer, f.Status)
		}
	}
	if slices.Sort(statuses); !slices.Equal(statuses, []int{201, 409, 409}) {
		t.Errorf("%v", statuses)
	}
	a := log.Attempts[0]
	if !slices.Equal(a.Applied, []int{0}) || a.Reason != "twice, faults[0] over upstream" || a.BodyLen != 5 {
		t.Errorf("%+v", a)
	}
}

// TestDuplicatesApart: copies go one after another, so far apart, and not before all have a connection. Behind the client's
// end the server waits for their answers.
func TestDuplicatesApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up, err := New(scenario(t, "routes: [{match: POST /, per: route, answers: [{status: 201}, {status: 409, delay: 1s}, {status: 409, delay: 1500ms}]}]"))
		must(t, err, up.StartMemory())
		srv, err := New(scenario(t, "faults: [{name: twice, duplicate: {copies: 3, after: 50ms}, when: {method: POST}}]"),
			WithUpstream(Upstream{URL: "http://up.test", DialContext: up.DialContext}))
		must(t, err, srv.StartMemory())
		res, err := srv.Client().Post(srv.URL(), "text/plain", strings.NewReader("hello"))
		must(t, err, res.Body.Close())
		if res.StatusCode != 201 {
			t.Errorf("the client got %d", res.StatusCode)
		}
		must(t, srv.Close(), up.Close())
		log := up.Journal().Log()
		for i, a := range log.Attempts {
			if want := time.Duration(i) * 50 * time.Millisecond; a.First-log.Attempts[0].First != want {
				t.Errorf("copy %d came %v behind the first, want %v", i+1, a.First-log.Attempts[0].First, want)
			}
		}
		if f := srv.Journal().Log().Forwards; len(log.Attempts) != 3 || len(f) != 3 || f[2].Status != 409 || f[2].Failure != "" {
			t.Errorf("%d attempts, %+v", len(log.Attempts), f)
		}
	})
}

// TestCopiesCutShort: a copy that is not answered in time says so.
func TestCopiesCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up, err := New(scenario(t, "routes: [{match: POST /, per: route, answers: [{status: 201}, {status: 409, delay: 3s}]}]"))
		must(t, err, up.StartMemory())
		srv, err := New(scenario(t, "faults: [{duplicate: {copies: 2, after: 1ms}}]"), WithUpstream(Upstream{URL: "http://up.test", DialContext: up.DialContext}))
		must(t, err, srv.StartMemory())
		res, err := srv.Client().Post(srv.URL(), "text/plain", nil)
		must(t, err, res.Body.Close(), srv.Close(), up.Close())
		f := srv.Journal().Log().Forwards
		if len(f) != 2 || !slices.ContainsFunc(f, func(f journal.Forward) bool { return f.Failure == "it had not answered when the run ended" }) {
			t.Errorf("%+v", f)
		}
	})
}

// TestDuplicatesStrikeWhatIsForwarded: a fault that duplicates has struck only where the request went to the upstream; one
// whose body cannot be kept says so.
func TestDuplicatesStrikeWhatIsForwarded(t *testing.T) {
	var came atomic.Int32
	up := newFarEnd(t, func(f *far) {
		for f.head() != "" {
			came.Add(1)
			f.say(dated("Content-Length: 0\r\n", ""))
		}
	})
	srv := up.before(t, `
routes: [{match: GET /stub, answers: [{status: 200}]}]
faults: [{name: twice, duplicate: 2}, {name: down, status: 503, when: {path: /down}}]
`, WithMaxBody(4))
	for _, row := range []struct {
		request, status, failure string
		applied                  []int
		forwards                 int32
	}{
		{"GET /stub HTTP/1.1\r\n", "200", "", nil, 0},
		{"GET /down HTTP/1.1\r\n", "503", "", []int{1}, 0},
		{"GET /real HTTP/1.1\r\n", "200", "", []int{0}, 2},
		{"POST /real HTTP/1.1\r\nContent-Length: 5\r\n", "500", "duplicate: the request's body has more than 4 bytes, and is kept whole to be sent again: let the fault strike shorter ones, or set WithMaxBody", []int{0}, 2},
		{"GET /real HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: x\r\n", "500", "duplicate: a request for another protocol cannot be sent twice", []int{0}, 2},
	} {
		c := dial(t, srv)
		c.say(t, row.request+"Host: x\r\n\r\n"+strings.Repeat("a", strings.Count(row.request, "5")*5))
		if got := c.answer(t); !strings.HasPrefix(got, "HTTP/1.1 "+row.status) {
			t.Errorf("%q: %q", row.request, got)
		}
		log := ended(t, srv, len(srv.Journal().Log().Attempts))
		a := log.Attempts[len(log.Attempts)-1]
		if a.Failure != row.failure || !slices.Equal(a.Applied, row.applied) || !slices.Equal(a.Drawn[:1], []int{0}) {
			t.Errorf("%q: %+v", row.request, a)
		}
		must(t, srv.Await(within(t), func(l *journal.Log) bool { return len(l.Forwards) >= int(row.forwards) }))
		if came.Load() != row.forwards {
			t.Errorf("%q: %d requests came to the upstream, want %d", row.request, came.Load(), row.forwards)
		}
	}
}

// TestDuplicateNeedsUpstream: without an upstream such a fault is an error before anything starts.
func TestDuplicateNeedsUpstream(t *testing.T) {
	_, err := New(scenario(t, "faults: [{name: twice, duplicate: 2}]"))
	if want := "chaosserver: twice duplicates requests towards an upstream, and there is none: use WithUpstream"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	_, err = New(scenario(t, ""), WithUpstream(Upstream{URL: "up.test"}))
	if err == nil || !strings.HasPrefix(err.Error(), `chaosserver: WithUpstream: the upstream's URL "up.test" is neither`) {
		t.Errorf("%v", err)
	}
}

// TestEffectsBehindUpstream: what goes to an upstream has its effects there, so that a route cannot have both.
func TestEffectsBehindUpstream(t *testing.T) {
	_, err := New(scenario(t, "routes: [{match: POST /, commit: {}}]"), WithUpstream(Upstream{URL: "http://127.0.0.1:1"}))
	if want := "chaosserver: routes[0]: commit needs answers: what goes to an upstream has its effects there"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
