package suites_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"strconv"
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

var _ = rule("DELIV-009", func() {
	// Each has a member that a parser would write in another way.
	bodies := map[string]string{
		"white space":              "{ \"id\" :\t\"evt_1\",\r\n  \"event_id\":\"evt_1\" }",
		"another order of keys":    `{"type":"a","id":"evt_1","event_id":"evt_1","amount":1}`,
		"a letter escaped":         `{"id":"evt_1","event_id":"evt_1","name":"caf\u00e9","path":"\/a"}`,
		"the same letter in UTF-8": `{"id":"evt_1","event_id":"evt_1","name":"café","path":"/a<b>&c"}`,
		"numbers":                  `{"id":"evt_1","event_id":"evt_1","a":1e2,"b":1.0,"c":12345678901234567890,"d":-0}`,
		"a key twice":              `{"a":1,"id":"evt_1","event_id":"evt_1","a":2}`,
		"a newline at the end":     event("evt_1") + "\n",
		"bytes that are no UTF-8":  "{\"id\":\"evt_1\",\"event_id\":\"evt_1\",\"name\":\"\xff\xfe\x00\"}",
		"a byte order mark":        "\ufeff" + event("evt_1"),
	}
	for _, s := range senders {
		It(s.name, inVirtualTime(func() {
			for what, body := range bodies {
				r := newReceiver()
				set := httpserver.WebhookSettings{Verifier: s.verifier(s.secrets[0])}
				r.serve(must(store.NewMemory(store.MemorySettings{})), set, func() {
					good := s.sendBody(s.secrets[0], "evt_1", now(), body)
					Expect(r.post(good.containing(rewritten(body))).status).To(refused(), what+", written anew")
					for range 2 {
						Expect(r.post(good).status).To(Equal(200), what)
					}
					Expect(r.bodies).To(Equal([]string{body}), "what was signed is what is handled")
				})
			}
		}))
	}
})

// rewritten returns what is the same to a reader of JSON, and other bytes.
func rewritten(body string) string { return " " + body }

var _ = rule("DELIV-010", func() {
	at := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 10) }

	for _, s := range senders {
		if !s.timed {
			continue
		}
		It(s.name+": minutes off", receiving(s, func(r *receiver) {
			today()
			for _, off := range []time.Duration{-72 * time.Hour, -10 * time.Minute, 10 * time.Minute, 72 * time.Hour} {
				Expect(r.post(s.sendAt("evt_1", at(off))).status).To(refused(), text("%v off", off))
			}
			Expect(r.done()).To(BeEmpty())
			for i, off := range []time.Duration{-4 * time.Minute, 0, 4 * time.Minute} {
				id := text("evt_in_time_%d", i)
				Expect(r.post(s.sendAt(id, at(off))).status).To(Equal(200), text("%v off", off))
				Expect(r.done()).To(HaveKeyWithValue(id, 1))
			}
		}))

		It(s.name+": no timestamp at all", receiving(s, func(r *receiver) {
			today()
			for _, is := range []string{"", "now", "-1", "1.7e9", "0x6743", now() + "000", now() + ".5", " " + now(), now() + " ",
				time.Now().UTC().Format(time.RFC3339), "99999999999999999999", "-9223372036854775808", "9223372036854775807"} {
				d := s.sendAt("evt_1", is)
				if trimmed := strings.TrimSpace(is); trimmed != is && s.name != stripe.name {
					continue // HTTP takes the white space around a field away
				}
				Expect(r.post(d).status).To(refused(), text("%q", is))
			}
			Expect(r.done()).To(BeEmpty())
		}))

		It(s.name+": recorded, and played again when it is stale", receiving(s, func(r *receiver) {
			recorded := s.send("evt_1")
			time.Sleep(10 * time.Minute)
			Expect(r.post(recorded).status).To(refused())
			Expect(r.done()).To(BeEmpty())

			for range 3 {
				Expect(r.post(s.send("evt_1")).status).To(Equal(200), "signed again, it is fine")
				time.Sleep(10 * time.Minute)
			}
			Expect(r.post(recorded).status).To(refused())
			Expect(r.done()).To(Equal(map[string]int{"evt_1": 1}))
		}))

		It(s.name+": a timestamp put in place of the stale one", receiving(s, func(r *receiver) {
			stale := now()
			recorded := s.sendAt("evt_1", stale)
			time.Sleep(10 * time.Minute)
			for field, value := range recorded.fields {
				recorded = recorded.with(field, strings.Replace(value, stale, now(), 1))
			}
			Expect(r.post(recorded).status).To(refused())
			Expect(r.done()).To(BeEmpty())
		}))
	}
})

var _ = rule("DELIV-011", func() {
	// among returns a delivery whose good signature stands behind bad ones and those of unknown schemes.
	among := func(s sender, separator string) (delivery, delivery) {
		good := s.send("evt_1")
		signed := good.fields[s.field]
		mark := strings.Index(signed, s.scheme[0])
		alien := s.sendBody(s.secrets[2], "evt_1", now(), good.body).fields[s.field][mark:]
		unknown := s.scheme[1] + "x"
		bad := signed[:mark] + strings.Join([]string{s.scheme[0] + "bad", unknown, alien}, separator)
		return good.with(s.field, bad), good.with(s.field, bad+separator+signed[mark:])
	}

	for _, c := range []struct {
		sender    sender
		separator string
	}{{standard, " "}, {stripe, ","}} {
		It(c.sender.name+": among bad ones, and others of unknown schemes", receiving(c.sender, func(r *receiver) {
			bad, good := among(c.sender, c.separator)
			Expect(r.post(bad).status).To(refused())
			Expect(r.done()).To(BeEmpty())
			Expect(r.post(good).status).To(Equal(200))
			Expect(r.done()).To(Equal(map[string]int{"evt_1": 1}))
		}))
	}

	It("an asymmetric one beside one that does not match", inVirtualTime(func() {
		private := ed25519.NewKeyFromSeed([]byte(strings.Repeat("seed", 8)))
		public := "whpk_" + base64.StdEncoding.EncodeToString(private[ed25519.SeedSize:])
		r := newReceiver()
		set := httpserver.WebhookSettings{Verifier: standard.verifier(standard.secrets[0], public)}
		r.serve(must(store.NewMemory(store.MemorySettings{})), set, func() {
			d := standard.sendBody(standard.secrets[2], "evt_1", now(), event("evt_1"))
			Expect(r.post(d).status).To(refused())
			signed := ed25519.Sign(private, []byte("evt_1."+now()+"."+d.body))
			both := d.with(standard.field, d.fields[standard.field]+" v1a,"+base64.StdEncoding.EncodeToString(signed))
			Expect(r.post(both).status).To(Equal(200))
			Expect(r.done()).To(Equal(map[string]int{"evt_1": 1}))
		})
	}))

	for _, s := range senders {
		It(s.name+": while the secret is rotated, the old one and the new one", inVirtualTime(func() {
			r := newReceiver()
			set := httpserver.WebhookSettings{Verifier: s.verifier(s.secrets[0], s.secrets[1])}
			r.serve(must(store.NewMemory(store.MemorySettings{})), set, func() {
				for i, status := range []int{200, 200, 403} {
					id := text("evt_%d", i)
					Expect(r.post(s.sendBody(s.secrets[i], id, now(), event(id))).status).To(Equal(status))
				}
				Expect(r.post(s.sendBody(s.secrets[1], "evt_0", now(), event("evt_0"))).status).To(Equal(200), "again, under the new one")
			})
			Expect(r.done()).To(Equal(map[string]int{"evt_0": 1, "evt_1": 1}))
		}))
	}
})
