package chaosserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brownout/chaosserver/journal"
)

// pay is a request with a key and a body as it goes over the wire; no key with "".
func pay(target, key, body string) string {
	field := ""
	if key != "" {
		field = "Idempotency-Key: " + key + "\r\n"
	}
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s", target, field, len(body), body)
}

// charged is the answer of a charge, byte for byte but for its date.
func charged(extra, id string) string {
	body := `{"id":"` + id + `"}`
	return fmt.Sprintf("HTTP/1.1 201 Created\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", extra, len(body), body)
}

// refused is an answer of the ledger, byte for byte but for its date.
func refused(status int, detail string) string {
	body := fmt.Sprintf(`{"title":%q,"status":%d,"detail":%q}`+"\n", http.StatusText(status), status, detail)
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), len(body), body)
}

// TestLedgerOnTheWire: what comes over the wire for a key whose answer was lost, for one that is used again with another
// body, and for none.
func TestLedgerOnTheWire(t *testing.T) {
	const yaml = `
routes:
  - match: POST /charges/:case
    commit: {key: Idempotency-Key, missing: 400}
    cases:
      lost:
        - {status: 503, text: busy}
        - {status: 201, json: {id: "ch_{call}_{attempt}_{nth}_{key}"}, delay: 1ms, reset: before-headers}
        - {status: 500, text: never given to a steady key}
        - {status: 201, json: {id: other}}
      gateway: [{status: 504, text: slow, commit: true}, {status: 201, json: {id: "ch_{attempt}"}}]
`
	const replayed = "Idempotent-Replayed: true\r\n"
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) {
			srv := serve(t, at, yaml)
			for i, s := range []struct {
				send string
				want string // "rst" or the bytes
				said journal.Ledger
				why  string
			}{
				{pay("/~7/charges/lost", "k1", "5"), "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\nbusy",
					journal.LedgerNone, "a failure is no effect, and its key is as good as new"},
				{pay("/~7/charges/lost", "k1", "6"), "rst", journal.LedgerNone, "so that it may come with another body; committed, and lost"},
				{pay("/~7/charges/lost", "k1", "6"), charged(replayed, "ch_7_2_2_k1"), journal.LedgerStored,
					"the stored answer has neither delay nor wire fault, and the values of the attempt that committed it"},
				{pay("/~7/charges/lost", "k1", "5"), refused(422, "this Idempotency-Key was used with another request"), journal.LedgerMismatch, "another body"},
				{pay("/~7/charges/lost?a=b", "k1", "6"), refused(422, "this Idempotency-Key was used with another request"), journal.LedgerMismatch, "another target"},
				{pay("/~7/charges/lost", "", "6"), refused(400, "this operation needs an Idempotency-Key"), journal.LedgerMissing, "no key"},
				{pay("/~8/charges/lost", "k1", "6"), charged(replayed, "ch_7_2_2_k1"), journal.LedgerStored, "a key belongs to the route, not to a call"},
				{pay("/~7/charges/lost", "k2", "5"), charged("", "other"), journal.LedgerNone,
					"a stored answer has used up an entry, what the ledger refuses has not"},
				{pay("/~9/charges/gateway", "k3", "5"), "HTTP/1.1 504 Gateway Timeout\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\nslow",
					journal.LedgerNone, "committed behind a gateway that gave up"},
				{pay("/~9/charges/gateway", "k3", "5"), charged(replayed, "ch_1"), journal.LedgerStored, "stored is the list's last, for a 504 is no 2xx"},
			} {
				c := dial(t, srv)
				c.say(t, s.send)
				if s.want == "rst" {
					if got, end := c.rest(t); got != "" || end != "rst" {
						t.Errorf("step %d brought %q and ended with %s: %s", i, got, end, s.why)
					}
				} else if got := undated(t, c.answer(t)); got != s.want {
					t.Errorf("step %d brought\n%q, want\n%q: %s", i, got, s.want, s.why)
				}
				must(t, c.Close())
				log := ended(t, srv, i+1)
				if said := log.Attempts[i].Ledger; said != s.said {
					t.Errorf("step %d: the ledger said %v, want %v: %s", i, said, s.said, s.why)
				}
			}
			want := []journal.Effect{
				{Seq: 2, Route: "POST /charges/:case", Call: "7", Key: "k1"},
				{Seq: 8, Route: "POST /charges/:case", Call: "7", Key: "k2"},
				{Seq: 9, Route: "POST /charges/:case", Call: "9", Key: "k3"},
			}
			if got := effectsOf(srv); !slices.Equal(got, want) {
				t.Errorf("effects\n%+v, want\n%+v", got, want)
			}
		})
	}
}

// effectsOf returns the effects of the run, less their instants.
func effectsOf(srv *Server) []journal.Effect {
	effects := slices.Clone(srv.Journal().Log().Effects)
	for i := range effects {
		effects[i].At = 0
	}
	return effects
}

// TestWhatIsAnEffect sends one and the same request twice in one call, and counts the effects.
func TestWhatIsAnEffect(t *testing.T) {
	for _, row := range []struct {
		name, route, faults string
		send                string
		want                int
	}{
		{"no commit, no effect", "answers: [{status: 201}]", "", pay("/pay", "k", "5"), 0},
		{"a 2xx is one each time, without a key", "commit: {}", "", pay("/pay", "k", "5"), 2},
		{"with a key once", "commit: {key: Idempotency-Key}", "", pay("/pay", "k", "5"), 1},
		{"a key that is not sent", "commit: {key: Idempotency-Key}", "", pay("/pay", "", "5"), 2},
		{"a key that is wanted and not sent", "commit: {key: Idempotency-Key, missing: 400}", "", pay("/pay", "", "5"), 0},
		{"another key than the route's", "commit: {key: X-Key}", "", pay("/pay", "k", "5"), 2},
		{"a failure is none", "commit: {}, answers: [{status: 503}]", "", pay("/pay", "k", "5"), 0},
		{"a redirect is none", "commit: {}, answers: [{status: 307, redirect: /there}]", "", pay("/pay", "k", "5"), 0},
		{"unless the entry says so", "commit: {}, answers: [{status: 504, commit: true}, {status: 201, commit: false}]", "", pay("/pay", "k", "5"), 1},
		{"lost behind the work", "commit: {}, answers: [{status: 201, reset: before-headers}]", "", pay("/pay", "k", "5"), 2},
		{"cut in its body", "commit: {}, answers: [{status: 201, size: 4KiB, reset: body}]", "", pay("/pay", "k", "5"), 2},
		{"cut while it is read", "commit: {}, answers: [{status: 201, reset: request-body}]", "", pay("/pay", "k", "5"), 0},
		{"answered before it is read", "commit: {}, answers: [{status: 201, early: 1B}]", "", pay("/pay", "k", "5"), 0},
		{"read slowly", "commit: {}, answers: [{status: 201, do: drip, at: request-body, rate: 1KiB/s}]", "", pay("/pay", "k", "5"), 2},
		{"a fault answers", "commit: {key: Idempotency-Key}", "{status: 504}", pay("/pay", "k", "5"), 0},
		{"a fault answers, and the effect is there", "commit: {key: Idempotency-Key}", "{status: 504, commit: true}", pay("/pay", "k", "5"), 1},
		{"as often as the request comes, without a key", "commit: {}", "{status: 504, commit: true}", pay("/pay", "k", "5"), 2},
		{"but not where the key is missing", "commit: {key: Idempotency-Key, missing: 400}", "{status: 504, commit: true}", pay("/pay", "", "5"), 0},
		{"a fault keeps the effect back", "commit: {}", "{commit: false, when: {attempt: 1}}", pay("/pay", "k", "5"), 1},
		{"a fault makes an effect of a failure", "commit: {}, answers: [{status: 503}]", "{commit: true}", pay("/pay", "k", "5"), 2},
		{"a fault cuts the request", "commit: {key: Idempotency-Key}", "{when: {attempt: 1}, reset: request-body}", pay("/pay", "k", "5"), 1},
		{"a fault reads it slowly", "commit: {key: Idempotency-Key}", "{do: drip, at: request-body, rate: 1KiB/s}", pay("/pay", "k", "5"), 1},
		{"the request is not whole", "commit: {}", "", "POST /pay HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n5", 0},
	} {
		bubble(t, "routes: [{match: POST /pay, "+row.route+"}]\nfaults: ["+row.faults+"]", func(t *testing.T, srv *Server) {
			for range 2 {
				c := dial(t, srv)
				c.say(t, strings.Replace(row.send, "POST /", "POST /~1/", 1))
				must(t, c.CloseWrite())
				_, _ = io.Copy(io.Discard, c)
				must(t, c.Close())
				synctest.Wait()
			}
			log := srv.Journal().Log()
			if len(log.Effects) != row.want || len(log.Attempts) != 2 {
				t.Errorf("%s: %d effects of %d attempts, want %d: %+v", row.name, len(log.Effects), len(log.Attempts), row.want, log.Effects)
			}
			for _, a := range log.Attempts {
				if a.Failure != "" {
					t.Errorf("%s: %s", row.name, a.Failure)
				}
			}
			if n := srv.run.Load().ledger.Len(); n > 1 || n > row.want {
				t.Errorf("%s: the ledger keeps %d keys", row.name, n)
			}
		})
	}
}

// order is a request of TestLedgerInTime.
type order struct {
	at   time.Duration // since the first
	body string
	gone time.Duration // the client leaves so long after it has begun; 0: it stays
	want string        // status, whether it is a stored answer, and when the answer came; "gone"
}

// TestLedgerInTime: what the same key gets while the first is at work, and how long it is known.
func TestLedgerInTime(t *testing.T) {
	const s = time.Second
	for _, row := range []struct {
		name, yaml string
		orders     []order
		effects    int
	}{
		{"work goes on though the client left", "commit: {key: Idempotency-Key, work: 3s}", []order{
			{0, "5", s, "gone"}, {1500 * time.Millisecond, "5", 0, "409 at 1.5s"}, {2 * s, "6", 0, "422 at 2s"},
			{3*s - 1, "5", 0, "409 at 2.999999999s"}, {3 * s, "5", 0, "201 stored at 3s"},
		}, 1},
		{"and the answer waits for it, and then for its delay", "commit: {key: Idempotency-Key, work: 3s, in_flight: 425}, answers: [{status: 201, delay: 1s}]", []order{
			{0, "5", 0, "201 at 4s"}, {3500 * time.Millisecond, "5", 0, "425 at 3.5s"}, {5 * s, "5", 0, "201 stored at 5s"},
		}, 1},
		{"a delay is in flight while the client waits", "commit: {key: Idempotency-Key}, answers: [{status: 201, delay: 10s}]", []order{
			{0, "5", 2 * s, "gone"}, {s, "5", 0, "409 at 1s"}, {3 * s, "5", 0, "201 stored at 3s"},
		}, 1},
		{"one that waits gets the stored answer", "commit: {key: Idempotency-Key, in_flight: wait, work: 3s}", []order{
			{0, "5", 0, "201 at 3s"}, {s, "5", 0, "201 stored at 3s"}, {s, "6", 0, "422 at 1s"}, {2 * s, "5", s / 2, "gone"},
		}, 1},
		{"or is the first, if the first had no effect", "commit: {key: Idempotency-Key, in_flight: wait}, per: route, answers: [{status: 503, delay: 2s}, {status: 201, delay: 2s}]", []order{
			{0, "5", 0, "503 at 2s"}, {s, "5", 0, "201 at 4s"}, {2500 * time.Millisecond, "5", 0, "201 stored at 4s"},
		}, 1},
		{"a key is known for a while", "commit: {key: Idempotency-Key, keep: 10s}", []order{
			{0, "5", 0, "201 at 0s"}, {10*s - 1, "5", 0, "201 stored at 9.999999999s"}, {10 * s, "6", 0, "201 at 10s"},
		}, 2},
		{"a gateway gives up before the work is done", "commit: {key: Idempotency-Key, work: 3s}, answers: [{status: 201}]}]\nfaults: [{when: {nth: 1}, status: 504, commit: true, delay: 1s", []order{
			{0, "5", 0, "504 at 1s"}, {2 * s, "5", 0, "409 at 2s"}, {3 * s, "5", 0, "201 stored at 3s"},
		}, 1},
		{"a fault is slow, and strikes stored answers too", "commit: {key: Idempotency-Key}}]\nfaults: [{when: {nth: 2}, delay: 1s, reset: before-headers}, {delay: 1s", []order{
			{0, "5", 0, "201 at 1s"}, {2 * s, "5", 0, "reset at 4s"}, {5 * s, "5", 0, "201 stored at 6s"},
		}, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			yaml := row.yaml
			if !strings.Contains(yaml, "answers") {
				yaml = "answers: [{status: 201}], " + yaml
			}
			bubble(t, "routes: [{match: POST /pay, "+yaml+"}]", func(t *testing.T, srv *Server) {
				began := time.Now()
				var all sync.WaitGroup
				for i, o := range row.orders {
					all.Go(func() {
						time.Sleep(o.at)
						if got := o.send(srv, began); got != o.want {
							t.Errorf("request %d, at %v: %s, want %s", i, o.at, got, o.want)
						}
					})
				}
				all.Wait()
				synctest.Wait()
				if n := len(srv.Journal().Log().Effects); n != row.effects {
					t.Errorf("%d effects, want %d", n, row.effects)
				}
			})
		})
	}
}

// send makes the request, and says what came of it.
func (o order) send(srv *Server, began time.Time) string {
	ctx := context.Background()
	if o.gone > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.gone)
		defer cancel()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL()+"/pay", strings.NewReader(o.body))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Idempotency-Key", "k")
	client := &http.Client{Transport: &http.Transport{DialContext: srv.DialContext, DisableKeepAlives: true}}
	res, err := client.Do(req)
	at := fmt.Sprint(" at ", time.Since(began))
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "gone"
	case err != nil:
		return "reset" + at
	}
	_ = res.Body.Close()
	if res.Header.Get("Idempotent-Replayed") == "true" {
		return fmt.Sprint(res.StatusCode, " stored", at)
	}
	return fmt.Sprint(res.StatusCode, at)
}

// TestSecretKeys: a key that is a secret is not in the record.
func TestSecretKeys(t *testing.T) {
	bubble(t, "routes: [{match: POST /pay, commit: {key: X-Token}}]", func(t *testing.T, srv *Server) {
		c := dial(t, srv)
		c.say(t, strings.Replace(pay("/pay", "hush", "5"), "Idempotency-Key", "X-Token", 1))
		c.answer(t)
		if key := effectsOf(srv)[0].Key; key == "" || strings.Contains(key, "hush") {
			t.Errorf("the key is recorded as %q", key)
		}
	})
}

// TestEventsOfEffects: the path variable event tells what an effect belongs to.
func TestEventsOfEffects(t *testing.T) {
	bubble(t, `routes: [{match: "POST /effects/:event", per: event, commit: {}, answers: [{status: 503}, {status: 200}]}]`, func(t *testing.T, srv *Server) {
		for _, event := range []string{"a", "b", "a", "b"} {
			c := dial(t, srv)
			c.say(t, pay("/effects/"+event, "", ""))
			c.answer(t)
		}
		var events []string
		for _, e := range effectsOf(srv) {
			events = append(events, fmt.Sprint(e.Seq, e.Event))
		}
		if want := []string{"3a", "4b"}; !slices.Equal(events, want) {
			t.Errorf("effects of %v, want %v", events, want)
		}
	})
}

// TestLedgerFull: a key that cannot be kept has no effect, and makes the run an error.
func TestLedgerFull(t *testing.T) {
	bubble(t, "routes: [{match: POST /pay, commit: {key: Idempotency-Key, keep: 1m}}]", func(t *testing.T, srv *Server) {
		send := func(key string) string {
			c := dial(t, srv)
			c.say(t, pay("/pay", key, "5"))
			return c.answer(t)[:len("HTTP/1.1 200")]
		}
		var got []string
		for _, key := range []string{"a", "b", "c", "a"} {
			got = append(got, send(key))
		}
		time.Sleep(time.Minute)
		got = append(got, send("c"))
		if want := []string{"HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 500", "HTTP/1.1 200", "HTTP/1.1 200"}; !slices.Equal(got, want) {
			t.Errorf("answers %v, want %v", got, want)
		}
		log := srv.Journal().Log()
		const why = "the ledger keeps 2 keys, and all are known; use WithMaxKeys, or keep them for less long"
		if len(log.Effects) != 3 || log.Attempts[2].Failure != why {
			t.Errorf("%d effects, failure %q; want 3 and %q", len(log.Effects), log.Attempts[2].Failure, why)
		}
	}, WithMaxKeys(2))
}

// TestOneEffectForEachKey: 64 clients, a thousand keys, and every order of retry, loss, mismatch and impatience that comes:
// each key has one effect.
func TestOneEffectForEachKey(t *testing.T) {
	const clients, keys, each = 64, 1000, 32
	const yaml = `
routes:
  - match: POST /pay
    per: route
    commit: {key: Idempotency-Key, work: 0s..20ms, in_flight: %s}
    answers: [{status: 503}, {status: 201, size: 1KiB, delay: 0s..20ms}, {status: 504, commit: true}, {status: 201}]
faults:
  - {name: lost, chance: 20%%, reset: before-headers}
  - {name: cut, chance: 10%%, size: 1KiB, status: 502, reset: body}
  - {name: gateway, chance: 10%%, status: 504, delay: 5ms, commit: true}
`
	for _, inFlight := range []string{"409", "wait"} {
		t.Run(inFlight, func(t *testing.T) {
			bubble(t, fmt.Sprintf(yaml, inFlight), func(t *testing.T, srv *Server) {
				client := &http.Client{Transport: &http.Transport{DialContext: srv.DialContext, DisableKeepAlives: true}}
				wanted := map[int]bool{}
				var all sync.WaitGroup
				for c := range clients {
					random := rand.New(rand.NewPCG(uint64(c), 7))
					pays := make([]int, each)
					for i := range pays {
						pays[i] = random.IntN(keys)
						wanted[pays[i]] = true
					}
					all.Go(func() {
						for _, k := range pays {
							persist(client, srv, k, c%4 == 0)
						}
					})
				}
				all.Wait()
				synctest.Wait()
				log := srv.Journal().Log()
				effects := map[string]int{}
				for _, e := range log.Effects {
					effects[e.Key]++
				}
				said := map[journal.Ledger]int{}
				for i := range log.Attempts {
					said[log.Attempts[i].Ledger]++
				}
				for k := range wanted {
					if n := effects[fmt.Sprint("key-", k)]; n != 1 {
						t.Errorf("key %d has %d effects", k, n)
					}
				}
				for _, l := range []journal.Ledger{journal.LedgerNone, journal.LedgerStored, journal.LedgerMismatch} {
					if said[l] < 20 {
						t.Errorf("the ledger said %v %d times: too little was tried", l, said[l])
					}
				}
				if len(log.Dropped) > 0 {
					t.Errorf("dropped: %+v", log.Dropped)
				}
			}, WithJournal(journal.Options{MaxBytes: 1 << 30, MaxRecords: 1 << 20}))
		})
	}
}

// persist sends a payment until it has its answer. A confused client sends another amount under the key in between, and
// takes the 422 for what it is.
func persist(client *http.Client, srv *Server, key int, confused bool) {
	send := func(body string) int {
		ctx, cancel := context.WithTimeout(context.Background(), 25*time.Millisecond)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL()+"/pay", strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		req.Header.Set("Idempotency-Key", fmt.Sprint("key-", key))
		res, err := client.Do(req)
		if err != nil {
			return 0
		}
		_, err = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if err != nil {
			return 0
		}
		return res.StatusCode
	}
	for n := 0; ; n++ {
		status := send("amount=4999")
		if status == 201 || status == 422 { // the confused one may have been first with its other amount
			return
		}
		if confused && n == 0 {
			send("amount=1")
		}
		time.Sleep(time.Millisecond)
	}
}
