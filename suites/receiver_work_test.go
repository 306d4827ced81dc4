package suites_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience/httpserver"
	"brownout/resilience/store"
)

// working is the handler's work that takes so long, whoever still waits for it.
func working(d time.Duration) func(context.Context, httpserver.Delivery) error {
	return func(ctx context.Context, _ httpserver.Delivery) error { return taking(d)(ctx, "") }
}

// failingOnce fails the first time.
func failingOnce(fail func() error) func(context.Context, httpserver.Delivery) error {
	var tries atomic.Int32
	return func(context.Context, httpserver.Delivery) error {
		if tries.Add(1) == 1 {
			return fail()
		}
		return nil
	}
}

var _ = rule("DELIV-001", func() {
	for _, s := range senders {
		It("by the bundled receiver, of "+s.name, receiving(s, func(r *receiver) {
			for _, later := range []time.Duration{0, 0, 2 * time.Second, time.Minute, 72 * time.Hour} {
				time.Sleep(later)
				Expect(r.post(s.send("evt_1")).status).To(Equal(200))
			}
			Expect(r.post(s.send("evt_2")).status).To(Equal(200))
			Expect(r.done()).To(Equal(map[string]int{"evt_1": 1, "evt_2": 1}))
		}))
	}
})

var _ = rule("DELIV-002", func() {
	It("at the bundled receiver, and who comes while it is at work comes again", receiving(standard, func(r *receiver) {
		r.handle = working(20 * time.Millisecond)
		var acks [50]atomic.Int32
		ops := load(500, 0, func(i int) op {
			o := r.post(standard.send(text("evt_%d", i%50)))
			if o.good() {
				acks[i%50].Add(1)
			}
			return o
		})
		Expect(count(ops, func(o op) bool {
			return o.good() || o.status == http.StatusServiceUnavailable && o.resp.Header.Get("Retry-After") == "1"
		})).To(Equal(500))
		time.Sleep(time.Second)
		for i := range acks {
			id := text("evt_%d", i)
			Expect(acks[i].Load()).To(BeNumerically(">=", 1))
			Expect(r.post(standard.send(id)).status).To(Equal(200), "the redelivery")
			Expect(r.done()).To(HaveKeyWithValue(id, 1))
		}
	}))
})

var _ = rule("DELIV-004", func() {
	const limit = 3 * time.Second // Slack's, the shortest

	It("where the handler stores the event and returns, whatever is done with it then", receiving(slack, func(r *receiver) {
		stored := make(chan string, 20)
		var processed []string
		var worker sync.WaitGroup
		worker.Go(func() {
			for id := range stored {
				time.Sleep(2 * limit)
				processed = append(processed, id)
			}
		})
		r.handle = func(_ context.Context, d httpserver.Delivery) error {
			stored <- d.ID
			return nil
		}
		ops := load(20, 10*time.Millisecond, func(i int) op {
			return r.postWithin(slack.send(text("evt_%d", i)), limit)
		})
		for _, o := range ops {
			Expect(o.status).To(Equal(200))
			Expect(o.took).To(BeZero(), "the receiver adds no wait of its own")
		}
		close(stored)
		worker.Wait()
		Expect(processed).To(HaveLen(20))
	}))

	It("and where it works on, it ends what the sender gave up on, and acknowledges the redelivery at once", receiving(slack, func(r *receiver) {
		r.handle = working(2 * limit)
		Expect(r.postWithin(slack.send("evt_1"), limit).err).To(MatchError(context.DeadlineExceeded))

		again := r.postWithin(slack.send("evt_1"), limit)
		Expect(again.status).To(Equal(http.StatusServiceUnavailable), "it is still at work")
		Expect(again.took).To(BeZero())

		time.Sleep(limit + time.Second)
		again = r.postWithin(slack.send("evt_1"), limit)
		Expect(again.status).To(Equal(200))
		Expect(again.took).To(BeZero())
		Expect(r.done()).To(Equal(map[string]int{"evt_1": 1}))
	}))
})

// forgetful is a store that does not commit while its disk is full.
type forgetful struct {
	store.Store
	full atomic.Bool
}

// Commit implements store.Store.
func (f *forgetful) Commit(ctx context.Context, k store.Key, t store.Token, record string, keep time.Duration) error {
	if f.full.Load() {
		return errors.New("the disk is full")
	}
	return f.Store.Commit(ctx, k, t, record, keep)
}

var _ = rule("DELIV-005", func() {
	It("at the bundled receiver, after an error", receiving(standard, func(r *receiver) {
		r.handle = failingOnce(func() error { return errors.New("the database is away") })
		Expect(r.post(standard.send("evt_1")).status).To(Equal(500))
		Expect(r.done()).To(BeEmpty())
		for range 2 {
			again := r.post(standard.send("evt_1"))
			Expect(again.status).To(Equal(200))
			Expect(again.took).To(BeZero(), "nobody waits for the lease of work that has failed")
		}
		Expect(r.done()).To(Equal(map[string]int{"evt_1": 1}))
	}))

	It("at the bundled receiver, after a panic", receiving(standard, func(r *receiver) {
		r.handle = failingOnce(func() error { panic(http.ErrAbortHandler) })
		Expect(r.post(standard.send("evt_1")).good()).To(BeFalse())
		time.Sleep(time.Second)
		for range 2 {
			Expect(r.post(standard.send("evt_1")).status).To(Equal(200))
		}
		Expect(r.done()).To(Equal(map[string]int{"evt_1": 1}))
	}))

	It("at the bundled receiver, whose memory of it was lost", inVirtualTime(func() {
		r := newReceiver()
		var reclaimed []bool
		r.handle = func(_ context.Context, d httpserver.Delivery) error {
			reclaimed = append(reclaimed, d.Reclaimed)
			return nil
		}
		memory := &forgetful{Store: must(store.NewMemory(store.MemorySettings{}))}
		set := httpserver.WebhookSettings{Verifier: standard.verifier(standard.secrets[0]), Lease: time.Minute}
		memory.full.Store(true)
		r.serve(memory, set, func() {
			lost := r.post(standard.send("evt_1"))
			Expect(lost.status).To(Equal(http.StatusServiceUnavailable), "what may be handled again is not acknowledged")
			Expect(lost.resp.Header.Get("Retry-After")).NotTo(BeEmpty())
			memory.full.Store(false)
			time.Sleep(time.Minute + time.Second)
			for range 2 {
				Expect(r.post(standard.send("evt_1")).status).To(Equal(200))
			}
			Expect(reclaimed).To(Equal([]bool{false, true}), "handled again, and told so")
		})
	}))
})

var _ = rule("DELIV-012", func() {
	// unknown are bodies of which a consumer of payments knows nothing.
	unknown := map[string]string{
		"another type":   `{"id":"evt_1","event_id":"evt_1","type":"zz.unknown"}`,
		"further fields": `{"id":"evt_1","event_id":"evt_1","type":"zz.unknown","zz":{"deep":[{"id":"x"}]},"api_version":"2099-01-01"}`,
		"no type":        `{"id":"evt_1","event_id":"evt_1"}`,
		"another shape":  `[{"id":"evt_1"}]`,
		"a word":         `null`,
		"no JSON":        `id=evt_1&type=payment.made`,
	}
	for _, s := range senders {
		It(s.name, inVirtualTime(func() {
			for what, body := range unknown {
				seen := 0
				r := newReceiver()
				r.onlyPayments = true
				r.handle = func(context.Context, httpserver.Delivery) error {
					seen++
					return nil
				}
				set := httpserver.WebhookSettings{Verifier: s.verifier(s.secrets[0])}
				r.serve(must(store.NewMemory(store.MemorySettings{})), set, func() {
					for range 2 {
						d := s.sendBody(s.secrets[0], "evt_1", now(), body).with("X-Zz-Unknown", "1").with("Content-Type", "application/zz")
						Expect(r.post(d).status).To(Equal(200), what)
					}
					Expect(seen).To(Equal(1), "the handler decides what it knows; of "+what)
					Expect(r.done()).To(BeEmpty(), what)
					Expect(r.post(s.send("evt_2")).status).To(Equal(200))
					Expect(r.done()).To(Equal(map[string]int{"evt_2": 1}), "one that it knows")
				})
			}
		}))
	}

	It("and elements of unknown names beside the signature", receiving(stripe, func(r *receiver) {
		d := stripe.send("evt_1")
		Expect(r.post(d.with(stripe.field, "zz=1,"+d.fields[stripe.field]+",v9=x,zz")).status).To(Equal(200))
		Expect(r.done()).To(Equal(map[string]int{"evt_1": 1}))
	}))
})
