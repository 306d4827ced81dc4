package ledger

import (
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// printOf is the print of a POST with a body.
func printOf(body string) *Print {
	p := PrintOf("POST", "/payments", sha256.Sum256([]byte(body)))
	return &p
}

func TestAsk(t *testing.T) {
	id := IDOf(0, "k")
	pay, other := printOf("5"), printOf("6")
	l := NewLedger(10)
	stored := Answer{Entry: 2, Call: 7, Attempt: 3, Nth: 9}
	for i, s := range []struct {
		do   func()
		at   time.Duration
		with *Print
		want Said
		why  string
	}{
		{nil, 0, pay, New, "nobody knows the key"},
		{nil, 0, pay, InFlight, "the first is at work"},
		{nil, 0, other, Mismatch, "another body is refused while the first is at work, too"},
		{nil, 0, nil, InFlight, "of a request that has not been read nothing more can be said"},
		{func() { l.End(id) }, 0, other, New, "the first had no effect, so that the key is as good as new"},
		{func() { l.Commit(id, stored, 0, 10*time.Second) }, time.Second, other, InFlight, "committed, and not yet answered"},
		{func() { l.End(id) }, time.Second, other, Stored, "answered"},
		{nil, time.Second, pay, Mismatch, "another body"},
		{nil, 10*time.Second - 1, other, Stored, "the key is known for 10s"},
		{nil, 10 * time.Second, pay, New, "and no longer"},
		{func() { l.Commit(id, stored, 15*time.Second, 0); l.End(id) }, 15*time.Second - 1, pay, InFlight, "its work goes on behind its answer"},
		{nil, 15 * time.Second, pay, Stored, "its work is over"},
		{nil, never - 1, pay, Stored, "the key is known for ever"},
	} {
		if s.do != nil {
			s.do()
		}
		got, a := l.Ask(id, s.with, s.at)
		if got != s.want {
			t.Errorf("step %d: Ask at %v says %v, want %v: %s", i, s.at, got, s.want, s.why)
		}
		if want := map[bool]Answer{true: stored}[got == Stored]; a != want {
			t.Errorf("step %d: the answer is %+v, want %+v", i, a, want)
		}
	}
}

func TestIdentify(t *testing.T) {
	l, id := NewLedger(10), IDOf(0, "k")
	if said, _ := l.Ask(id, nil, 0); said != New {
		t.Fatalf("the first is %v", said)
	}
	if said, _ := l.Ask(id, printOf("6"), 0); said != InFlight {
		t.Errorf("of a first that has not been read, another is %v, want in flight", said)
	}
	l.Identify(id, *printOf("5"))
	if said, _ := l.Ask(id, printOf("6"), 0); said != Mismatch {
		t.Errorf("once it has been read, another body is %v, want a mismatch", said)
	}
}

func TestIDs(t *testing.T) {
	if IDOf(0, "k") == IDOf(1, "k") {
		t.Error("one key on two routes is one")
	}
	if IDOf(0, "k") == IDOf(0, `"k"`) {
		t.Error("a bare key and a quoted one are one")
	}
	sum := sha256.Sum256(nil)
	if PrintOf("POST", "/a", sum) == PrintOf("POST", "/b", sum) || PrintOf("POST", "/a", sum) == PrintOf("PUT", "/a", sum) {
		t.Error("two targets, or two methods, have one print")
	}
}

func TestFull(t *testing.T) {
	l := NewLedger(2)
	ask := func(key string, at time.Duration) Said { said, _ := l.Ask(IDOf(0, key), printOf(key), at); return said }
	ask("a", 0)
	ask("b", 0)
	l.Commit(IDOf(0, "a"), Answer{}, 0, 5*time.Second)
	l.Commit(IDOf(0, "b"), Answer{}, 0, 9*time.Second)
	l.End(IDOf(0, "b"))
	for i, s := range []struct {
		key  string
		at   time.Duration
		want Said
		why  string
	}{
		{"c", time.Second, Full, "nothing has expired"},
		{"b", time.Second, Stored, "what is known stays known"},
		{"c", 6 * time.Second, Full, "a has expired, but its request is not answered"},
		{"c", 9 * time.Second, New, "b has expired"},
		{"d", 9 * time.Second, Full, "and made room for one"},
	} {
		if got := ask(s.key, s.at); got != s.want {
			t.Errorf("step %d: Ask(%s) at %v says %v, want %v: %s", i, s.key, s.at, got, s.want, s.why)
		}
	}
	if l.Len() != 2 {
		t.Errorf("%d keys are kept, want 2", l.Len())
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		now := func() time.Duration { return time.Since(began) }
		l, id, pay := NewLedger(10), IDOf(0, "k"), printOf("5")
		l.Ask(id, pay, 0)
		go func() {
			time.Sleep(time.Second)
			l.Commit(id, Answer{}, 3*time.Second, 0)
			l.End(id)
		}()
		gone, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		if err := l.Wait(gone, id, now()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a wait whose context ends gives %v", err)
		}
		for _, want := range []time.Duration{time.Second, 3 * time.Second} { // the answer ends, then the work
			if err := l.Wait(context.Background(), id, now()); err != nil || now() != want {
				t.Errorf("waited until %v with %v, want %v", now(), err, want)
			}
		}
		if said, _ := l.Ask(id, pay, now()); said != Stored {
			t.Errorf("then the key is %v", said)
		}
		if err := l.Wait(context.Background(), IDOf(0, "unknown"), now()); err != nil || now() != 3*time.Second {
			t.Errorf("for a key that nobody has claimed one waits until %v with %v", now(), err)
		}
	})
}

// TestOneEffectAKey lets 64 clients retry, lose and confuse a thousand keys in every order that comes: whatever happens,
// no key has two effects, and each has one in the end.
func TestOneEffectAKey(t *testing.T) {
	const clients, keys, rounds = 64, 1000, 200
	l := NewLedger(keys)
	var effects [keys]atomic.Int32
	attempt := func(k int, random *rand.Rand) Said {
		id, body := IDOf(0, strconv.Itoa(k)), strconv.Itoa(k)
		if random.IntN(8) == 0 {
			body = "of another"
		}
		said, _ := l.Ask(id, printOf(body), 0)
		if said != New {
			return said
		}
		if body == "of another" || random.IntN(3) == 0 { // a failure without an effect
			l.End(id)
			return said
		}
		effects[k].Add(1)
		l.Commit(id, Answer{}, 0, 0)
		l.End(id) // whether the client got the answer makes no difference here
		return Stored
	}
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(c), 1))
			for range rounds {
				attempt(random.IntN(keys), random)
			}
			for _, k := range random.Perm(keys) {
				for attempt(k, random) != Stored {
				}
			}
		})
	}
	all.Wait()
	for k := range effects {
		if n := effects[k].Load(); n != 1 {
			t.Errorf("key %d has %d effects", k, n)
		}
	}
	if l.Len() != keys || len(l.waiting) != 0 {
		t.Errorf("%d keys are kept, want %d, and %d wait", l.Len(), keys, len(l.waiting))
	}
}
