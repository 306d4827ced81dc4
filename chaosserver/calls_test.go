package chaosserver

import (
	"fmt"
	"testing"
	"time"

	"brownout/chaosserver/journal"
)

// table drives a table of calls through steps in fake time.
type table struct {
	*calls
	now  time.Duration
	open map[string]arrival // by the name that a test gives an attempt
}

func newTable(quiet time.Duration, limit int) *table {
	return &table{calls: newCalls(1, quiet, limit), open: map[string]arrival{}}
}

// arrives brings an attempt, and tells its call, its number and whether it is ambiguous.
func (tb *table) arrives(name string, p print) string {
	a := tb.arrive(p, 0, nil, tb.now)
	return tb.entered(name, a)
}

func (tb *table) arrivesNamed(name, call string) string {
	return tb.entered(name, tb.arriveNamed(callName{journal.NamedByPrefix, call}, ordinal(call), 0, nil, tb.now))
}

func (tb *table) entered(name string, a arrival) string {
	tb.open[name] = a
	s := fmt.Sprintf("call %d attempt %d", a.call.no, a.n)
	if a.ambiguous {
		s += " ambiguous"
	}
	if a.dropped {
		s += " dropped"
	}
	return s
}

// ends answers an attempt.
func (tb *table) ends(name string, status int, retryAfter time.Duration) {
	k := tb.open[name].call
	due := time.Duration(0)
	if retryAfter > 0 {
		due = tb.now + retryAfter
	}
	tb.answering(k, status/100 == 2, due, tb.now)
	tb.done(k)
	delete(tb.open, name)
}

// step is one line of a test's story: an attempt arrives or ends, or time passes.
type step struct {
	wait   time.Duration
	begin  string // attempt
	print  print
	want   string
	end    string // attempt
	status int
	after  time.Duration // its Retry-After
}

func TestCallsByPrint(t *testing.T) {
	get := print{method: "GET", target: "/items/1", body: emptySum}
	other := print{method: "GET", target: "/items/1?page=2", body: emptySum}
	post := print{method: "POST", target: "/items/1", body: [32]byte{1}}
	for _, row := range []struct {
		why   string
		steps []step
	}{
		{"an attempt behind a failure is of the same call", []step{
			{begin: "a", print: get, want: "call 1 attempt 1"}, {end: "a", status: 503},
			{wait: time.Second, begin: "b", print: get, want: "call 1 attempt 2"},
		}},
		{"a whole 2xx ends the call", []step{
			{begin: "a", print: get, want: "call 1 attempt 1"}, {end: "a", status: 201},
			{begin: "b", print: get, want: "call 2 attempt 1"},
		}},
		{"other statuses do not, also final ones", []step{
			{begin: "a", print: get, want: "call 1 attempt 1"}, {end: "a", status: 404},
			{begin: "b", print: get, want: "call 1 attempt 2"}, {end: "b", status: 302},
			{begin: "c", print: get, want: "call 1 attempt 3"},
		}},
		{"nor does an attempt without an answer", []step{
			{begin: "a", print: get, want: "call 1 attempt 1"}, {end: "a", status: 0},
			{begin: "b", print: get, want: "call 1 attempt 2"},
		}},
		{"method, query and body are part of the print", []step{
			{begin: "a", print: get, want: "call 1 attempt 1"}, {end: "a", status: 503},
			{begin: "b", print: other, want: "call 2 attempt 1"}, {end: "b", status: 503},
			{begin: "c", print: post, want: "call 3 attempt 1"}, {end: "c", status: 503},
			{begin: "d", print: get, want: "call 1 attempt 2"},
		}},
		{"a call is live until it has been quiet for 60s", []step{
			{begin: "a", print: get, want: "call 1 attempt 1"}, {end: "a", status: 503},
			{wait: time.Minute - 1, begin: "b", print: get, want: "call 1 attempt 2"}, {end: "b", status: 503},
			{wait: time.Minute, begin: "c", print: get, want: "call 2 attempt 1"},
		}},
		{"quiet counts from the end of a pending Retry-After", []step{
			{begin: "a", print: get, want: "call 1 attempt 1"}, {end: "a", status: 503, after: time.Hour},
			{wait: time.Hour + time.Minute - 1, begin: "b", print: get, want: "call 1 attempt 2"}, {end: "b", status: 503},
			{wait: time.Minute, begin: "c", print: get, want: "call 2 attempt 1"},
		}},
		{"an attempt under way is not quiet, however long it takes", []step{
			{begin: "a", print: get, want: "call 1 attempt 1"}, {wait: time.Hour, end: "a", status: 503},
			{wait: time.Second, begin: "b", print: get, want: "call 1 attempt 2"},
		}},
		{"attempts that overlap are of look-alike calls, and ambiguous", []step{
			{begin: "a", print: get, want: "call 1 attempt 1"},
			{begin: "b", print: get, want: "call 2 attempt 1 ambiguous"},
			{end: "a", status: 503}, {end: "b", status: 503},
			{begin: "c", print: get, want: "call 1 attempt 2 ambiguous"},
			{begin: "d", print: get, want: "call 2 attempt 2 ambiguous"},
		}},
		{"the one that has waited longest is continued", []step{
			{begin: "a", print: get, want: "call 1 attempt 1"},
			{begin: "b", print: get, want: "call 2 attempt 1 ambiguous"},
			{end: "b", status: 503}, {wait: 1, end: "a", status: 503},
			{begin: "c", print: get, want: "call 2 attempt 2 ambiguous"},
		}},
		{"what is left of look-alikes stays ambiguous", []step{
			{begin: "a", print: get, want: "call 1 attempt 1"},
			{begin: "b", print: get, want: "call 2 attempt 1 ambiguous"},
			{end: "a", status: 200}, {end: "b", status: 503},
			{begin: "c", print: get, want: "call 2 attempt 2 ambiguous"},
		}},
		{"once all are over the print is as new", []step{
			{begin: "a", print: get, want: "call 1 attempt 1"},
			{begin: "b", print: get, want: "call 2 attempt 1 ambiguous"},
			{end: "a", status: 200}, {end: "b", status: 200},
			{begin: "c", print: get, want: "call 3 attempt 1"}, {end: "c", status: 503},
			{begin: "d", print: get, want: "call 3 attempt 2"},
		}},
		{"one that went quiet no longer makes others ambiguous", []step{
			{begin: "a", print: get, want: "call 1 attempt 1"},
			{begin: "b", print: get, want: "call 2 attempt 1 ambiguous"},
			{end: "a", status: 503}, {end: "b", status: 503},
			{wait: time.Minute, begin: "c", print: get, want: "call 3 attempt 1"},
		}},
	} {
		t.Run(row.why, func(t *testing.T) {
			tb := newTable(time.Minute, 100)
			for i, s := range row.steps {
				tb.now += s.wait
				if s.begin != "" {
					if got := tb.arrives(s.begin, s.print); got != s.want {
						t.Errorf("steps[%d]: attempt %s is %s, want %s", i, s.begin, got, s.want)
					}
				}
				if s.end != "" {
					tb.ends(s.end, s.status, s.after)
				}
			}
		})
	}
}

// TestCallsByName: a named call goes on behind a 2xx, its attempts may overlap, and its number is its name's.
func TestCallsByName(t *testing.T) {
	tb := newTable(time.Minute, 100)
	for i, s := range []struct{ begin, call, want, end string }{
		{begin: "a", call: "7", want: "call 7 attempt 1"},
		{begin: "b", call: "7", want: "call 7 attempt 2"},
		{end: "a"}, {end: "b"},
		{begin: "c", call: "7", want: "call 7 attempt 3"},
		{begin: "d", call: "blue", want: "call 1 attempt 1"},
		{begin: "e", call: "007", want: "call 2 attempt 1"},
	} {
		tb.now += time.Hour
		if s.begin != "" {
			if got := tb.arrivesNamed(s.begin, s.call); got != s.want {
				t.Errorf("steps[%d]: attempt %s is %s, want %s", i, s.begin, got, s.want)
			}
		}
		if s.end != "" {
			tb.ends(s.end, 200, 0)
		}
	}
}

// TestCutShort: a 2xx whose write failed did not end its call, also when another call of its print has begun.
func TestCutShort(t *testing.T) {
	get := print{method: "GET", target: "/"}
	tb := newTable(time.Minute, 100)
	tb.arrives("a", get)
	k := tb.open["a"].call
	tb.answering(k, true, 0, tb.now)
	if got, want := tb.arrives("b", get), "call 2 attempt 1"; got != want {
		t.Errorf("behind what looked like a whole 2xx: %s, want %s", got, want)
	}
	tb.cutShort(k, tb.now)
	tb.done(k)
	if got, want := tb.arrives("c", get), "call 1 attempt 2 ambiguous"; got != want {
		t.Errorf("behind what was none: %s, want %s", got, want)
	}
}

// TestAbandonedAttemptEndsLate: an attempt that was given up, and whose end is seen only behind the 2xx of the next one,
// does not bring its call back.
func TestAbandonedAttemptEndsLate(t *testing.T) {
	get := print{method: "GET", target: "/"}
	l := newMemListener(memHost + ":80")
	defer l.Close()
	client, err := l.dial(t.Context(), 1)
	must(t, err)
	raw, err := l.Accept()
	must(t, err)
	srv, err := New(scenario(t, ""))
	must(t, err)
	defer srv.Close()
	tb := newTable(time.Minute, 100)
	first := tb.arrive(get, 0, &conn{raw: raw.(rawConn), srv: srv}, tb.now)
	tb.entered("a", first)
	must(t, client.Close())
	if got, want := tb.arrives("b", get), "call 1 attempt 2"; got != want {
		t.Errorf("behind an attempt that was given up: %s, want %s", got, want)
	}
	tb.ends("b", 200, 0)
	tb.ends("a", 0, 0)
	if got, want := tb.arrives("c", get), "call 2 attempt 1"; got != want {
		t.Errorf("behind a whole 2xx: %s, want %s", got, want)
	}
	if tb.all != 1 || len(tb.prints) != 1 {
		t.Errorf("%d calls and %d prints are kept, want 1", tb.all, len(tb.prints))
	}
}

// TestCallsAreBounded: the table keeps its bound, lets go first of what has been idle longest, and says so only of
// calls that were live.
func TestCallsAreBounded(t *testing.T) {
	at := func(i int) print { return print{method: "GET", target: fmt.Sprint("/", i)} }
	tb := newTable(time.Minute, 3)
	for i := range 3 {
		tb.arrives("a", at(i))
		tb.ends("a", 503, 0)
		tb.now++
	}
	if got, want := tb.arrives("a", at(3)), "call 4 attempt 1 dropped"; got != want {
		t.Errorf("beyond the bound: %s, want %s", got, want)
	}
	tb.ends("a", 200, 0)
	if got, want := tb.arrives("a", at(1)), "call 2 attempt 2"; got != want {
		t.Errorf("a call that was not the oldest: %s, want %s", got, want)
	}
	tb.ends("a", 503, 0)
	if got, want := tb.arrives("a", at(0)), "call 5 attempt 1"; got != want {
		t.Errorf("the oldest: %s, want %s", got, want)
	}
	tb.ends("a", 503, 0)
	tb.now += time.Minute
	for i := range 10 {
		if got, want := tb.arrivesNamed("a", fmt.Sprint(i+100)), fmt.Sprintf("call %d attempt 1", i+100); got != want {
			t.Errorf("where all others are quiet or answered: %s, want %s", got, want)
		}
		tb.ends("a", 200, 0)
	}
	if tb.all != 3 || len(tb.named)+len(tb.prints) != 3 {
		t.Errorf("%d calls kept, %d named and %d prints; want 3", tb.all, len(tb.named), len(tb.prints))
	}
}

// TestCallsUnderWayAreKept: a call with an attempt under way does not leave the table, which then is larger.
func TestCallsUnderWayAreKept(t *testing.T) {
	tb := newTable(time.Minute, 1)
	for i := range 5 {
		name := fmt.Sprint(i)
		if got, want := tb.arrivesNamed(name, fmt.Sprint(i+1)), fmt.Sprintf("call %d attempt 1", i+1); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for i := range 5 {
		tb.ends(fmt.Sprint(i), 503, 0)
	}
	if got, want := tb.arrivesNamed("x", "5"), "call 5 attempt 2"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestIdleCallsCostNothing: in the steady state an attempt of a new call allocates its name alone.
func TestIdleCallsCostNothing(t *testing.T) {
	c := newCalls(1, time.Minute, 100)
	p := print{method: "GET", target: "/items/1"}
	got := testing.AllocsPerRun(1000, func() {
		k := c.arrive(p, 0, nil, 0).call
		c.answering(k, true, 0, 0)
		c.done(k)
	})
	if got > 1 {
		t.Errorf("%v allocations, want 1", got)
	}
}
