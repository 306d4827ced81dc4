package suites_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience"
)

// A consumer handles events once each, as a team does that has nothing but a Dedupe: it acknowledges what is done, whoever
// did it.
type consumer struct {
	dedupe *resilience.Dedupe
	work   func(ctx context.Context, id string) error

	mu      sync.Mutex
	effects map[string]int // guarded by mu
}

func newConsumer(s resilience.DedupeSettings, work func(context.Context, string) error) *consumer {
	return &consumer{dedupe: must(resilience.NewDedupe(s)), work: work, effects: map[string]int{}}
}

// deliver returns whether the delivery is acknowledged.
func (c *consumer) deliver(id string) bool {
	err := c.dedupe.Key(id).Run(context.Background(), func(ctx context.Context) error {
		if err := c.work(ctx, id); err != nil {
			return err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.effects[id]++
		return nil
	})
	return err == nil || errors.Is(err, resilience.ErrDuplicate)
}

// taking is the work of a handler that takes so long.
func taking(d time.Duration) func(context.Context, string) error {
	return func(ctx context.Context, _ string) error {
		if !sleep(ctx, d) {
			return context.Cause(ctx)
		}
		return nil
	}
}

var _ = rule("DELIV-001", func() {
	It("at once, soon, and three days later", inVirtualTime(func() {
		c := newConsumer(resilience.DedupeSettings{}, taking(0))
		for _, later := range []time.Duration{0, 0, 2 * time.Second, time.Minute, 72 * time.Hour} {
			time.Sleep(later)
			Expect(c.deliver("evt_1")).To(BeTrue())
		}
		Expect(c.deliver("evt_2")).To(BeTrue())
		Expect(c.effects).To(Equal(map[string]int{"evt_1": 1, "evt_2": 1}))
	}))

	It("of thousands in between none is taken for another", inVirtualTime(func() {
		c := newConsumer(resilience.DedupeSettings{}, taking(0))
		for range 2 {
			for i := range 2000 {
				if !c.deliver(text("evt_%d", i)) {
					Fail(text("event %d was not acknowledged", i))
				}
			}
		}
		Expect(c.effects).To(HaveLen(2000))
		for id, n := range c.effects {
			if n != 1 {
				Fail(text("%s had %d effects", id, n))
			}
		}
	}))
})

var _ = rule("DELIV-002", func() {
	// duplicates delivers 50 events ten times each, all at one instant, and counts the acknowledgements of each.
	duplicates := func(c *consumer) map[string]int {
		acks := map[string]int{}
		var mu sync.Mutex
		var running sync.WaitGroup
		for i := range 500 {
			running.Go(func() {
				id := text("evt_%d", i%50)
				if c.deliver(id) {
					mu.Lock()
					acks[id]++
					mu.Unlock()
				}
			})
		}
		running.Wait()
		return acks
	}

	It("and all are acknowledged where they wait for it", inVirtualTime(func() {
		c := newConsumer(resilience.DedupeSettings{}, taking(20*time.Millisecond))
		acks := duplicates(c)
		for i := range 50 {
			id := text("evt_%d", i)
			Expect(c.effects[id]).To(Equal(1))
			Expect(acks[id]).To(Equal(10))
		}
	}))

	It("and the others are told to come back where they do not", inVirtualTime(func() {
		c := newConsumer(resilience.DedupeSettings{NoWait: true}, taking(20*time.Millisecond))
		acks := duplicates(c)
		for i := range 50 {
			id := text("evt_%d", i)
			Expect(acks[id]).To(Equal(1))
			Expect(c.deliver(id)).To(BeTrue(), "the redelivery")
			Expect(c.effects[id]).To(Equal(1))
		}
	}))
})

var _ = rule("DELIV-005", func() {
	It("after an error", inVirtualTime(func() {
		tries := 0
		c := newConsumer(resilience.DedupeSettings{}, func(context.Context, string) error {
			if tries++; tries == 1 {
				return errors.New("the database is away")
			}
			return nil
		})
		began := time.Now()
		Expect(c.deliver("evt_1")).To(BeFalse())
		Expect(c.deliver("evt_1")).To(BeTrue())
		Expect(c.deliver("evt_1")).To(BeTrue())
		Expect(time.Since(began)).To(BeZero(), "nobody waits for the lease of work that has failed")
		Expect(c.effects).To(Equal(map[string]int{"evt_1": 1}))
	}))

	It("after an error that others wait for", inVirtualTime(func() {
		var tries atomic.Int32
		c := newConsumer(resilience.DedupeSettings{}, func(ctx context.Context, _ string) error {
			sleep(ctx, 20*time.Millisecond)
			if tries.Add(1) <= 3 {
				return errors.New("the database is away")
			}
			return nil
		})
		var acks atomic.Int32
		var running sync.WaitGroup
		for range 10 {
			running.Go(func() {
				if c.deliver("evt_1") {
					acks.Add(1)
				}
			})
		}
		running.Wait()
		Expect(acks.Load()).To(BeEquivalentTo(7), "one after another takes over, until one succeeds")
		Expect(tries.Load()).To(BeEquivalentTo(4))
		Expect(c.effects).To(Equal(map[string]int{"evt_1": 1}))
	}))

	It("after a panic", inVirtualTime(func() {
		tries := 0
		c := newConsumer(resilience.DedupeSettings{}, func(context.Context, string) error {
			if tries++; tries == 1 {
				panic("nobody thought of that")
			}
			return nil
		})
		began := time.Now()
		Expect(func() { c.deliver("evt_1") }).To(PanicWith("nobody thought of that"))
		Expect(c.deliver("evt_1")).To(BeTrue())
		Expect(time.Since(began)).To(BeZero())
		Expect(c.effects).To(Equal(map[string]int{"evt_1": 1}))
	}))

	It("after a worker that never came back", inVirtualTime(func() {
		c := newConsumer(resilience.DedupeSettings{Lease: time.Minute, NoWait: true}, taking(0))
		_, err := c.dedupe.Claim("evt_1")
		Expect(err).NotTo(HaveOccurred())
		Expect(c.deliver("evt_1")).To(BeFalse(), "it is at work")
		time.Sleep(time.Minute - 10*time.Millisecond)
		Expect(c.deliver("evt_1")).To(BeFalse(), "it may still be at work")
		time.Sleep(20 * time.Millisecond)
		Expect(c.deliver("evt_1")).To(BeTrue())
		Expect(c.effects).To(Equal(map[string]int{"evt_1": 1}))
	}))
})
