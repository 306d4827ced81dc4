package suites_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"brownout/resilience/httpserver"
	"brownout/resilience/store"
)

// sender signs deliveries as the documentation of a service has it, with nothing of the library.
type sender struct {
	name     string
	verifier func(secrets ...string) httpserver.Verifier
	secrets  [3]string                                           // the old one, the new one, and somebody else's
	sign     func(secret, id, at, body string) map[string]string // header fields
	field    string                                              // has the signature
	scheme   [2]string                                           // how a signature begins, and one of an unknown scheme does; empty where there is none
	timed    bool                                                // signs a timestamp
}

// sum is the HMAC-SHA256 of the parts.
func sum(key string, parts ...string) []byte {
	h := hmac.New(sha256.New, []byte(key))
	for _, part := range parts {
		_, _ = io.WriteString(h, part)
	}
	return h.Sum(nil)
}

func timedSender(build func(httpserver.SignatureSettings) (httpserver.Verifier, error)) func(...string) httpserver.Verifier {
	return func(secrets ...string) httpserver.Verifier {
		return must(build(httpserver.SignatureSettings{Secrets: secrets}))
	}
}

func untimedSender(build func(httpserver.BodySignatureSettings) (httpserver.Verifier, error)) func(...string) httpserver.Verifier {
	return func(secrets ...string) httpserver.Verifier {
		return must(build(httpserver.BodySignatureSettings{Secrets: secrets}))
	}
}

// The secrets of a sender that shows them in base64.
const (
	oldKey, newKey, alienKey = "the key of last year, 24", "the key of this year, 24", "the key of somebody else"
)

func whsec(key string) string { return "whsec_" + base64.StdEncoding.EncodeToString([]byte(key)) }

var standard = sender{
	name: "Standard Webhooks", verifier: timedSender(httpserver.NewStandardWebhooks), timed: true,
	secrets: [3]string{whsec(oldKey), whsec(newKey), whsec(alienKey)},
	sign: func(secret, id, at, body string) map[string]string {
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		mac := base64.StdEncoding.EncodeToString(sum(string(key), id, ".", at, ".", body))
		return map[string]string{"webhook-id": id, "webhook-timestamp": at, "webhook-signature": "v1," + mac}
	},
	field: "webhook-signature", scheme: [2]string{"v1,", "v2,"},
}

var stripe = sender{
	name: "Stripe", verifier: timedSender(httpserver.NewStripe), timed: true,
	secrets: [3]string{"whsec_old", "whsec_new", "whsec_alien"},
	sign: func(secret, _, at, body string) map[string]string {
		return map[string]string{"Stripe-Signature": "t=" + at + ",v1=" + hex.EncodeToString(sum(secret, at, ".", body))}
	},
	field: "Stripe-Signature", scheme: [2]string{"v1=", "v0="},
}

var slack = sender{
	name: "Slack", verifier: timedSender(httpserver.NewSlack), timed: true,
	secrets: [3]string{"old", "new", "alien"},
	sign: func(secret, _, at, body string) map[string]string {
		return map[string]string{"X-Slack-Request-Timestamp": at,
			"X-Slack-Signature": "v0=" + hex.EncodeToString(sum(secret, "v0:", at, ":", body))}
	},
	field: "X-Slack-Signature", scheme: [2]string{"v0=", "v1="},
}

var gitHub = sender{
	name: "GitHub", verifier: untimedSender(httpserver.NewGitHub),
	secrets: [3]string{"old", "new", "alien"},
	sign: func(secret, id, _, body string) map[string]string {
		return map[string]string{"X-GitHub-Delivery": id, "X-Hub-Signature-256": "sha256=" + hex.EncodeToString(sum(secret, body))}
	},
	field: "X-Hub-Signature-256", scheme: [2]string{"sha256=", "sha512="},
}

var shopify = sender{
	name: "Shopify", verifier: untimedSender(httpserver.NewShopify),
	secrets: [3]string{"old", "new", "alien"},
	sign: func(secret, id, _, body string) map[string]string {
		return map[string]string{"X-Shopify-Webhook-Id": id, "X-Shopify-Hmac-Sha256": base64.StdEncoding.EncodeToString(sum(secret, body))}
	},
	field: "X-Shopify-Hmac-Sha256",
}

var senders = []sender{standard, stripe, slack, gitHub, shopify}

// delivery is a request that a sender makes.
type delivery struct {
	fields map[string]string
	body   string
}

// event returns the body of an event, with its id where each of the senders has it.
func event(id string) string { return text(`{"id":%q,"event_id":%q,"type":"payment.made"}`, id, id) }

// now returns the timestamp of this instant.
func now() string { return strconv.FormatInt(time.Now().Unix(), 10) }

// send returns a new delivery of an event, signed now with the old secret.
func (s sender) send(id string) delivery { return s.sendAt(id, now()) }

func (s sender) sendAt(id, at string) delivery { return s.sendBody(s.secrets[0], id, at, event(id)) }

func (s sender) sendBody(secret, id, at, body string) delivery {
	return delivery{fields: s.sign(secret, id, at, body), body: body}
}

// with returns the delivery with another value of a header field.
func (d delivery) with(field, value string) delivery {
	fields := map[string]string{field: value}
	for name, old := range d.fields {
		if name != field {
			fields[name] = old
		}
	}
	d.fields = fields
	return d
}

// without returns the delivery without a header field.
func (d delivery) without(field string) delivery {
	d.fields = maps.Clone(d.fields)
	delete(d.fields, field)
	return d
}

// containing returns the delivery with another body under the same signature.
func (d delivery) containing(body string) delivery {
	d.body = body
	return d
}

// receiver is a server with the bundled receiver, and what its handler did.
type receiver struct {
	client *http.Client
	handle func(ctx context.Context, d httpserver.Delivery) error // nil does nothing

	// onlyPayments makes the handler ignore what is no event of the type payment.made.
	onlyPayments bool

	mu      sync.Mutex
	effects map[string]int // by the id in the body, or the whole body where it has none; guarded by mu
	bodies  []string       // guarded by mu
}

// receiving runs a spec, in virtual time, with a receiver of the sender's deliveries that knows the old secret.
func receiving(s sender, spec func(r *receiver)) func() {
	return inVirtualTime(func() {
		r := newReceiver()
		r.serve(must(store.NewMemory(store.MemorySettings{})), httpserver.WebhookSettings{Verifier: s.verifier(s.secrets[0])}, func() { spec(r) })
	})
}

func newReceiver() *receiver { return &receiver{effects: map[string]int{}} }

// serve runs a spec while deliveries are received.
func (r *receiver) serve(s store.Store, set httpserver.WebhookSettings, spec func()) {
	if set.Source == "" {
		set.Source = "payments"
	}
	set.Handle = r.work
	hook := must(httpserver.NewWebhook(s, set))
	u := newUpstream(hook.ServeHTTP)
	base := u.base()
	defer u.stop(base)
	r.client = &http.Client{Transport: base}
	spec()
}

// work is the handler. Its effect comes last, as that of a transaction.
func (r *receiver) work(ctx context.Context, d httpserver.Delivery) error {
	if r.handle != nil {
		if err := r.handle(ctx, d); err != nil {
			return err
		}
	}
	id, kind := read(d.Body)
	if r.onlyPayments && kind != "payment.made" {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.effects[id]++
	r.bodies = append(r.bodies, string(d.Body))
	return nil
}

// read reads an event as a team does that trusts nothing but the body. The id of one without an id is its body.
func read(body []byte) (id, kind string) {
	var event struct{ ID, Type string }
	if json.Unmarshal(body, &event) != nil || event.ID == "" {
		return string(body), event.Type
	}
	return event.ID, event.Type
}

// done returns a copy of the effects so far.
func (r *receiver) done() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.effects)
}

// post delivers, once.
func (r *receiver) post(d delivery) op { return r.postWithin(d, 0) }

// postWithin delivers once, and gives up after the limit, if there is one.
func (r *receiver) postWithin(d delivery, limit time.Duration) op {
	ctx := context.Background()
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	began := time.Now()
	req := must(http.NewRequestWithContext(ctx, http.MethodPost, "http://upstream.test/hook", strings.NewReader(d.body)))
	req.GetBody = nil // the transport repeats nothing
	for field, value := range d.fields {
		req.Header.Set(field, value)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return op{took: time.Since(began), err: err}
	}
	read, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	return op{took: time.Since(began), status: resp.StatusCode, body: string(read), err: err, resp: resp}
}
