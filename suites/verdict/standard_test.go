package verdict

import (
	"slices"
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// standard is a scenario that expects every check, and standardRun is a client that keeps them all: 500 calls of which the
// first 40 fail and are tried again with a growing, jittered backoff, charges with a Retry-After and a key, and a final 404.
func standard() *scenarios.Scenario {
	return scene(
		route("GET /x", answer(503), answer(200)),
		route("POST /pay", answer(429, asking(2*sec)), answer(504), answer(201)),
		route("GET /gone", answer(404)),
		route("GET /feed", answer(503, holding), answer(200)),
		expect(&scenarios.Succeeds{Share: 1}, onRoute("GET /x")),
		expect(&scenarios.Attempts{Max: n(9)}),
		expect(&scenarios.RetriesOn{Exactly: []int{503}}, onRoute("GET /x")),
		expect(&scenarios.NeverRetries{}),
		expect(&scenarios.NoUnsafeRetry{}),
		expect(&scenarios.SameRequest{}),
		expect(&scenarios.HonoursRetryAfter{}),
		expect(&scenarios.Waits{AtLeast: 500 * ms, After: []int{504}}),
		expect(&scenarios.NoHotLoop{}),
		expect(&scenarios.BackoffGrows{}, onRoute("GET /x")),
		expect(&scenarios.BackoffJitters{}, onRoute("GET /x")),
		expect(&scenarios.Amplification{Max: 3, After: 0.5}, onRoute("GET /x")),
		expect(&scenarios.SpreadsOut{}),
		expect(&scenarios.StopsAfterSuccess{}),
		expect(&scenarios.InFlight{PerCall: n(1)}),
		expect(&scenarios.KeepsDeadline{Of: ptr(200 * sec)}, onRoute("GET /x")),
		expect(&scenarios.SameIdempotencyKey{}, onRoute("POST /pay")),
		expect(&scenarios.DistinctIdempotencyKeys{}, onRoute("POST /pay")),
		expect(&scenarios.KeyFromFirstAttempt{}, onRoute("POST /pay")),
		expect(&scenarios.Connections{Open: n(5)}),
	)
}

// run is a client's run before it is recorded, by kind of call.
type run struct {
	gets, pays, gone, feed []calls
}

func standardRun() *run {
	r := &run{}
	for i := range 500 {
		t := intTime(i) * 20 * ms
		if i >= 40 {
			r.gets = append(r.gets, made("GET /x", at(t, 200, entry(1))))
			continue
		}
		spread := intTime(i) * 10 * ms
		r.gets = append(r.gets, made("GET /x", at(t, 503), at(t+200*ms+spread, 503), at(t+600*ms+3*spread, 503), at(t+1400*ms+7*spread, 200, entry(1))))
	}
	for i := range 3 {
		k := key(string(rune('a' + i)))
		r.pays = append(r.pays, made("POST /pay", k, body("5"), at(0, 429, ra(2*sec)), at(2100*ms, 504, entry(1)), at(3*sec, 201, entry(2))))
	}
	r.gone = append(r.gone, made("GET /gone", at(0, 404)))
	for i := range 50 { // failed at 20s by a gate, they come back over a second
		r.feed = append(r.feed, made("GET /feed", at(20*sec, 503), at(22*sec+intTime(i)*20*ms, 200, entry(1))))
	}
	return r
}

// holding is an answer behind a gate.
func holding(a *scenarios.Answer) { a.Hold = &scenarios.Hold{Attempts: 50, AtMost: 10 * sec} }

func (r *run) record() *recorded {
	return record(slices.Concat(r.gets, r.pays, r.gone, r.feed)...).opens(1, 0, 0).opens(2, 0, 0)
}

// TestEachCheckFailsAlone holds that for every check there is a journal that fails it and no other.
func TestEachCheckFailsAlone(t *testing.T) {
	// retime gives the calls that are tried again other waits.
	retime := func(r *run, waits func(i int) []time.Duration) {
		for i, c := range r.gets[:40] {
			at := c[0].First
			for k, w := range waits(i) {
				at += w
				c[k+1].First, c[k+1].Sent, c[k+1].Done = at, at, at+ms
			}
		}
	}
	breaks := map[string]func(r *run) *recorded{
		"succeeds": func(r *run) *recorded {
			last := r.gets[0][3]
			last.Status = 503
			return r.record()
		},
		"attempts": func(r *run) *recorded {
			t, c := time.Duration(0), []any{}
			for k := range 9 {
				c = append(c, at(t, 503))
				t += 200 * ms << k
			}
			r.gets[0] = made("GET /x", append(c, at(t, 200, entry(1)))...)
			return r.record()
		},
		"retries_on": func(r *run) *recorded {
			r.gets = append(r.gets, made("GET /x", at(10*sec, 409), at(11*sec, 200, entry(1))))
			return r.record()
		},
		"never_retries": func(r *run) *recorded {
			r.gone[0] = made("GET /gone", at(0, 404), at(sec, 404))
			return r.record()
		},
		"no_unsafe_retry": func(r *run) *recorded {
			r.pays = append(r.pays, made("PATCH /pay", at(0, 504), at(3*sec, 201)))
			return r.record()
		},
		"same_request": func(r *run) *recorded {
			header("Content-Type", "text/plain")(r.pays[0][1])
			return r.record()
		},
		"honours_retry_after": func(r *run) *recorded {
			second := r.pays[0][1]
			second.First, second.Sent, second.Done = sec, sec, sec+ms
			return r.record()
		},
		"waits": func(r *run) *recorded {
			last := r.pays[0][2]
			last.First, last.Sent, last.Done = 2400*ms, 2400*ms, 2401*ms
			return r.record()
		},
		"no_hot_loop": func(r *run) *recorded {
			retime(r, func(i int) []time.Duration {
				return []time.Duration{200*ms + intTime(i)*10*ms, ms, 800*ms + intTime(i)*10*ms}
			})
			return r.record()
		},
		"backoff_grows": func(r *run) *recorded {
			retime(r, func(i int) []time.Duration { return repeatWait(3, 200*ms+intTime(i)*10*ms) })
			return r.record()
		},
		"backoff_jitters": func(r *run) *recorded {
			retime(r, func(int) []time.Duration { return []time.Duration{200 * ms, 400 * ms, 800 * ms} })
			return r.record()
		},
		"amplification": func(r *run) *recorded {
			for i := 250; i < 500; i++ {
				t := intTime(i) * 20 * ms
				r.gets[i] = made("GET /x", at(t, 503), at(t+200*ms+intTime(i)*ms, 503), at(t+900*ms+intTime(i)*ms, 503), at(t+5*sec, 200, entry(1)))
			}
			return r.record()
		},
		"spreads_out": func(r *run) *recorded {
			for _, c := range r.feed[5:] {
				c[1].First, c[1].Sent, c[1].Done = 23*sec, 23*sec, 23*sec+ms
			}
			return r.record()
		},
		"stops_after_success": func(r *run) *recorded {
			r.feed[0] = append(r.feed[0], made("GET /feed", at(25*sec, 200, entry(1)))...)
			return r.record()
		},
		"in_flight": func(r *run) *recorded {
			first := r.pays[0][1]
			first.Done = first.First + 1600*ms
			first.Closed, first.Whole = journal.ClosedByClientFIN, false
			r.pays[0][2].First += 500 * ms
			r.pays[0][2].Sent, r.pays[0][2].Done = r.pays[0][2].First, r.pays[0][2].First+ms
			return r.record()
		},
		"keeps_deadline": func(r *run) *recorded {
			last := r.gets[0][3]
			last.First, last.Sent, last.Done = 201*sec, 201*sec, 201*sec+ms
			return r.record()
		},
		"same_idempotency_key": func(r *run) *recorded {
			// steady in a usual header, but not in the profile's
			for k, a := range r.pays[0] {
				a.Headers[0].Value = string(rune('p' + k))
				header("X-Idempotency-Key", "steady")(a)
			}
			return r.record()
		},
		"distinct_idempotency_keys": func(r *run) *recorded {
			for _, a := range r.pays[1] {
				a.Headers[0].Value = "a"
			}
			return r.record()
		},
		"key_from_first_attempt": func(r *run) *recorded {
			r.pays[0][0].Headers = nil
			for _, a := range r.pays[0] {
				header("X-Idempotency-Key", "steady")(a)
			}
			return r.record()
		},
		"connections": func(r *run) *recorded {
			log := r.record()
			for i := range 4 {
				log.opens(uint64(10+i), 0, 0)
			}
			return log
		},
	}
	v := Judge(standard(), &standardRun().record().Log)
	for _, f := range v.Findings {
		if f.Outcome != Pass {
			t.Errorf("the model run: %s is %s: %s", f.Check, f.Outcome, f.Sentence)
		}
	}
	for _, x := range standard().Expect {
		change := breaks[x.Name]
		if change == nil {
			t.Errorf("%s: no journal fails it", x.Name)
			continue
		}
		want := []string{x.Name}
		if x.Name == "key_from_first_attempt" {
			want = []string{"same_idempotency_key", x.Name} // a call whose first attempt lacks the key has not one key
		}
		log := change(standardRun())
		var failed []string
		for _, f := range Judge(standard(), &log.Log).Findings {
			if f.Outcome == Fail {
				failed = append(failed, f.Check)
			}
		}
		if !slices.Equal(failed, want) {
			t.Errorf("%s: failed %v", x.Name, failed)
		}
	}
}
