package ledger

import (
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// plain is a ledger as one would write it first: by key, the request, whether it has an effect, and until when.
type plain map[string]*plainKey

type plainKey struct {
	body             string
	committed, ended bool
	answer           Answer
	until, expires   time.Duration
}

func (p plain) ask(key, body string, now time.Duration) (Said, Answer) {
	k := p[key]
	atWork := k != nil && (!k.ended || now < k.until)
	if k != nil && !atWork && k.expires > 0 && now >= k.expires {
		k = nil
	}
	switch {
	case k == nil:
		p[key] = &plainKey{body: body}
		return New, Answer{}
	case k.body != body:
		return Mismatch, Answer{}
	case atWork:
		return InFlight, Answer{}
	}
	return Stored, k.answer
}

// TestModel holds the ledger to a plain one over any sequence of requests, commits, ends and time.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, p := NewLedger(100), plain{}
		now := time.Duration(0)
		key := rapid.Custom(func(t *rapid.T) string { return strconv.Itoa(rapid.IntRange(0, 3).Draw(t, "key")) })
		second := func(least, most int, name string) time.Duration {
			return time.Duration(rapid.IntRange(least, most).Draw(t, name)) * time.Second
		}
		t.Repeat(map[string]func(*rapid.T){
			"time passes": func(t *rapid.T) { now += second(1, 4, "by") },
			"a request comes": func(t *rapid.T) {
				k, body := key.Draw(t, "key"), rapid.SampledFrom([]string{"5", "6"}).Draw(t, "body")
				want, answer := p.ask(k, body, now)
				if said, a := l.Ask(IDOf(0, k), printOf(body), now); said != want || a != answer {
					t.Fatalf("Ask(%s, %s) at %v says %v %+v, want %v %+v", k, body, now, said, a, want, answer)
				}
			},
			"the first commits": func(t *rapid.T) {
				k := key.Draw(t, "key")
				m := p[k]
				if m == nil || m.ended || m.committed {
					t.Skip("nothing is claimed")
				}
				m.committed, m.until = true, now+second(0, 3, "work")
				if keep := second(0, 6, "keep"); keep > 0 {
					m.expires = now + keep
				}
				m.answer = Answer{Entry: rapid.IntRange(0, 9).Draw(t, "entry"), Call: 3, Attempt: 2, Nth: 1}
				l.Commit(IDOf(0, k), m.answer, m.until, m.expires)
			},
			"the first ends": func(t *rapid.T) {
				k := key.Draw(t, "key")
				m := p[k]
				if m == nil || m.ended {
					t.Skip("nothing is claimed")
				}
				if m.ended = true; !m.committed {
					delete(p, k)
				}
				l.End(IDOf(0, k))
			},
		})
	})
}
