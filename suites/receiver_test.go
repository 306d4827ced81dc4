package suites_test

import (
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"

	"brownout/resilience/httpserver"
	"brownout/resilience/store"
)

// refused holds for an answer that makes a sender neither take the delivery for done nor for the receiver's failure.
func refused() types.GomegaMatcher { return And(BeNumerically(">=", 400), BeNumerically("<=", 499)) }

var _ = rule("DELIV-006", func() {
	for _, s := range senders {
		It("of "+s.name+": signed again, later, it is the same event", receiving(s, func(r *receiver) {
			for range 3 {
				Expect(r.post(s.send("evt_1")).status).To(Equal(200))
				time.Sleep(90 * time.Second)
			}
			Expect(r.done()).To(Equal(map[string]int{"evt_1": 1}))
		}))

		It("of "+s.name+": two events of one instant are two", receiving(s, func(r *receiver) {
			at := now()
			for _, id := range []string{"evt_1", "evt_2"} {
				Expect(r.post(s.sendAt(id, at)).status).To(Equal(200))
			}
			Expect(r.done()).To(Equal(map[string]int{"evt_1": 1, "evt_2": 1}))
		}))
	}

	It("a retry may be the first delivery that arrives, and the one after it is none", receiving(slack, func(r *receiver) {
		for _, n := range []string{"1", "2", "3"} {
			again := slack.send("evt_1").with("X-Slack-Retry-Num", n).with("X-Slack-Retry-Reason", "http_timeout")
			Expect(r.post(again).status).To(Equal(200))
			Expect(r.done()).To(Equal(map[string]int{"evt_1": 1}))
			time.Sleep(time.Minute)
		}
	}))
})

var _ = rule("DELIV-007", func() {
	for _, s := range senders {
		It(s.name, inVirtualTime(func() {
			memory := must(store.NewMemory(store.MemorySettings{}))
			r := newReceiver()
			for _, source := range []string{"payments", "refunds", "payments", "payments/eu"} {
				set := httpserver.WebhookSettings{Source: source, Verifier: s.verifier(s.secrets[0])}
				r.serve(memory, set, func() { Expect(r.post(s.send("evt_1")).status).To(Equal(200)) })
			}
			Expect(r.done()).To(Equal(map[string]int{"evt_1": 3}), "one of each source")
		}))
	}

	It("and what a source's name ends with is no part of the id", inVirtualTime(func() {
		memory := must(store.NewMemory(store.MemorySettings{}))
		r := newReceiver()
		for source, id := range map[string]string{"shop": "1/evt", "shop1": "/evt", "shop1/": "evt"} {
			set := httpserver.WebhookSettings{Source: source, Verifier: standard.verifier(standard.secrets[0])}
			r.serve(memory, set, func() { Expect(r.post(standard.send(id)).status).To(Equal(200)) })
		}
		Expect(r.done()).To(Equal(map[string]int{"1/evt": 1, "/evt": 1, "evt": 1}))
	}))
})

var _ = rule("DELIV-008", func() {
	// tampered returns what an attacker, or a sender with a fault, makes of a delivery.
	tampered := func(s sender) map[string]delivery {
		good := s.send("evt_1")
		signed := good.fields[s.field]
		swapped := s.send("evt_2")
		all := map[string]delivery{
			"no signature":                good.without(s.field),
			"no headers":                  {body: good.body},
			"an empty one":                good.with(s.field, ""),
			"nonsense":                    good.with(s.field, "nonsense"),
			"half of it":                  good.with(s.field, signed[:len(signed)-20]),
			"a letter less":               good.with(s.field, signed[:len(signed)-3]),
			"a letter more":               good.with(s.field, signed+"a"),
			"a byte more in the body":     good.containing(good.body + "\n"),
			"a byte less in the body":     good.containing(good.body[1:]),
			"no body":                     good.containing(""),
			"the body of another event":   good.containing(swapped.body),
			"the headers of another":      swapped.containing(good.body),
			"the secret of somebody else": s.sendBody(s.secrets[2], "evt_1", now(), good.body),
		}
		if scheme := s.scheme; scheme[0] != "" {
			all["an unknown scheme alone"] = good.with(s.field, strings.Replace(signed, scheme[0], scheme[1], 1))
			all["a scheme with nothing in it"] = good.with(s.field, signed[:strings.Index(signed, scheme[0])+len(scheme[0])])
			all["no scheme"] = good.with(s.field, strings.Replace(signed, scheme[0], "", 1))
		}
		return all
	}

	for _, s := range senders {
		It(s.name, receiving(s, func(r *receiver) {
			today()
			for how, d := range tampered(s) {
				Expect(r.post(d).status).To(refused(), how)
			}
			Expect(r.done()).To(BeEmpty())
			for range 2 {
				Expect(r.post(s.send("evt_1")).status).To(Equal(200), "the event itself, of which nothing was remembered")
			}
			Expect(r.done()).To(Equal(map[string]int{"evt_1": 1}))
		}))
	}

	It("an id that is not the signed one, and a signature of the scheme for which there is no key", receiving(standard, func(r *receiver) {
		good := standard.send("evt_1")
		Expect(r.post(good.with("webhook-id", "evt_2")).status).To(refused())
		Expect(r.post(good.without("webhook-id")).status).To(refused())
		Expect(r.post(good.with(standard.field, "v1a,"+strings.Repeat("A", 86)+"==")).status).To(refused())
		Expect(r.done()).To(BeEmpty())
	}))

	It("the example of GitHub's manual passes, and not with a letter changed", inVirtualTime(func() {
		const digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
		r := newReceiver()
		set := httpserver.WebhookSettings{Verifier: gitHub.verifier("It's a Secret to Everybody")}
		r.serve(must(store.NewMemory(store.MemorySettings{})), set, func() {
			d := delivery{body: "Hello, World!"}
			Expect(r.post(d.with(gitHub.field, "sha256="+digest[:63]+"8")).status).To(refused())
			Expect(r.done()).To(BeEmpty())
			Expect(r.post(d.with(gitHub.field, "sha256="+digest)).status).To(Equal(200))
			Expect(r.done()).To(Equal(map[string]int{"Hello, World!": 1}))
		})
	}))
})
