package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"brownout/chaosserver/delivery"
	"brownout/chaosserver/journal"
	"brownout/scenarios"
	"brownout/suites/report"
)

// sendOptions are what the command line of webhook send says.
type sendOptions struct {
	sign       string
	secrets    []string
	event      string
	kind       string
	data       string
	duplicate  int
	interval   time.Duration
	atOnce     bool
	outOfOrder bool
	tamper     string
	skew       time.Duration
	timeout    time.Duration
	remote     bool
	format     string
}

func newWebhookSend() *cobra.Command {
	o := &sendOptions{}
	cmd := &cobra.Command{
		Use:   "send [flags] URL",
		Short: "Send an event to a consumer, and tell of each answer",
		Long: `Send an event to a consumer, and tell of each answer. Duplicates have one id, and each a fresh time and signature. It ends
with 0 where each delivery was answered with 2xx in time, or, with --tamper or a --skew beyond 6m, was refused with 4xx; else
with 1.`,
		Example: `  brownout webhook send --duplicate 3 http://127.0.0.1:3000/hooks
  brownout webhook send --duplicate 10 --at-once http://127.0.0.1:3000/hooks
  brownout webhook send --out-of-order --sign stripe --secret whsec_test http://127.0.0.1:3000/stripe
  brownout webhook send --sign slack --secret s3cret --data @event.json http://127.0.0.1:3000/slack
  brownout webhook send --tamper body-plus-one http://127.0.0.1:3000/hooks`,
		Annotations: map[string]string{codesKey: "0 1 2 4 130"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("write brownout webhook send http://127.0.0.1:3000/hooks", "one URL is wanted, got %s", count(len(args), "word"))
			}
			return o.send(cmd, args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.sign, "sign", "standard", "whose webhooks they look like: `SCHEME`, one of "+strings.Join(delivery.Names(), ", "))
	f.StringArrayVar(&o.secrets, "secret", nil, "what signs; repeatable where the scheme has several signatures (default a test secret, which is told)")
	f.StringVar(&o.event, "event", "", "`ID` of the event (default evt_ and random letters)")
	f.StringVar(&o.kind, "type", "", "type of the event")
	f.StringVar(&o.data, "data", "", "body as it is, or `@FILE` (default a small JSON object)")
	f.IntVar(&o.duplicate, "duplicate", 1, "deliver the event so many times")
	f.DurationVar(&o.interval, "interval", 100*time.Millisecond, "time between those")
	f.BoolVar(&o.atOnce, "at-once", false, "deliver them at one instant, on connections of their own")
	f.BoolVar(&o.outOfOrder, "out-of-order", false, "deliver a newer event before it")
	f.StringVar(&o.tamper, "tamper", "", "what is wrong with it: `WAY`, such as wrong-secret, body-plus-one, no-signature")
	f.DurationVar(&o.skew, "skew", 0, "how far the timestamp is off, and signed so")
	f.DurationVar(&o.timeout, "timeout", 0, "how long an answer is waited for (default the sender's)")
	f.BoolVar(&o.remote, "allow-remote", false, "send to another machine")
	f.StringVar(&o.format, "format", "text", "text, or json for a line for each delivery")
	return cmd
}

// send sends what the command line says.
func (o *sendOptions) send(cmd *cobra.Command, to string) error {
	if err := o.check(); err != nil {
		return err
	}
	consumer, path, err := splitURL(to)
	if err != nil {
		return err
	}
	if err := checkWebhook(consumer, o.remote); err != nil {
		return err
	}
	s, err := o.scenario(path)
	if err != nil {
		return err
	}
	t := &sendTeller{out: cmd.OutOrStdout(), style: styleOf(cmd, cmd.OutOrStdout()), json: o.format == "json", base: time.Now(), bad: s.Deliveries[0].Bad() != ""}
	t.live = report.NewLive(nil, t.base)
	engine, err := delivery.New(s, delivery.Consumer{URL: consumer, Remote: o.remote}, t)
	if err != nil {
		return usage("see brownout webhook send --help", "%w", err)
	}
	o.tellSecret(cmd.ErrOrStderr(), &s.Deliveries[0])
	ctx, _, stop := interruptible(cmd.Context())
	defer stop()
	engine.Start()
	interrupted := engine.Wait(ctx) != nil
	engine.Close()
	return t.finish(interrupted)
}

// check checks what the flags say.
func (o *sendOptions) check() error {
	sender, known := scenarios.SenderNamed(o.sign)
	switch {
	case !known:
		hint := "schemes are " + strings.Join(delivery.Names(), ", ")
		if near := scenarios.Suggest(o.sign, delivery.Names()); near != "" {
			hint = "did you mean " + near + "?"
		}
		return usage(hint, "there is no scheme %q", o.sign)
	case o.duplicate < 1 || o.duplicate > 1000:
		return usage("write --duplicate 3", "--duplicate is 1 to 1000, got %d", o.duplicate)
	case o.atOnce && o.duplicate > 64:
		return usage("write --duplicate 64 or less", "--at-once delivers at most 64 at one instant, got %d", o.duplicate)
	case o.interval < 0:
		return usage("write --interval 1s", "--interval is 0 or more, got %s", o.interval)
	case o.timeout < 0:
		return usage("write --timeout 5s", "--timeout is 0, the sender's, or more, got %s", o.timeout)
	case o.tamper != "" && o.skew != 0:
		return usage("give one of them", "--tamper and --skew exclude each other")
	case o.tamper != "" && !slices.Contains(sender.Tampers, o.tamper):
		hint := "ways are " + strings.Join(sender.Tampers, ", ")
		if near := scenarios.Suggest(o.tamper, sender.Tampers); near != "" {
			hint = "did you mean " + near + "?"
		} else if !sender.Signs {
			hint = "choose a scheme that signs, such as --sign standard"
		}
		return usage(hint, "%s is nothing that a consumer of %s could see", o.tamper, o.sign)
	case o.skew != 0 && !sender.Timed:
		return usage("choose a scheme that does, such as --sign standard", "%s signs no timestamp that could be off", o.sign)
	case len(o.secrets) > 0 && !sender.Signs:
		return usage("take --secret out, or choose another --sign", "%s signs nothing", o.sign)
	case len(o.secrets) > 1 && !sender.Many:
		return usage("give one secret", "%s sends one signature, got %s", o.sign, count(len(o.secrets), "secret"))
	}
	return checkFormat(o.format)
}

// splitURL splits a URL into the consumer's address and the path.
func splitURL(to string) (consumer, path string, err error) {
	u, err := url.Parse(to)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", "", usage("write http://127.0.0.1:3000/hooks", "%q is no URL of a consumer", to)
	}
	if path = u.EscapedPath(); path == "" {
		path = "/"
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	base := url.URL{Scheme: u.Scheme, Host: u.Host, User: u.User}
	return base.String(), path, nil
}

// scenario is what the command line says as deliveries.
func (o *sendOptions) scenario(path string) (*scenarios.Scenario, error) {
	if o.event == "" {
		var b [6]byte
		_, _ = rand.Read(b[:]) // never fails
		o.event = "evt_" + hex.EncodeToString(b[:])
	}
	d := scenarios.Delivery{Event: o.event, Events: 1, Type: o.kind, To: path, Sender: o.sign, Secrets: o.secrets, Timeout: o.timeout,
		Send: []time.Duration{0}, Copies: 1, Resign: true, Skew: o.skew, Tamper: o.tamper}
	if o.data != "" {
		text, err := content(o.data)
		if err != nil {
			return nil, err
		}
		d.Body = scenarios.Body{Kind: scenarios.BodyText, Text: scenarios.Template{Text: text, Parts: []scenarios.Part{{Literal: text}}}}
	}
	if o.atOnce {
		d.Copies = o.duplicate
	} else {
		d.Send = nil
		for i := range o.duplicate {
			d.Send = append(d.Send, time.Duration(i)*o.interval)
		}
	}
	s := &scenarios.Scenario{Name: "webhook send", Seed: 1, Deliveries: []scenarios.Delivery{d}}
	if o.outOfOrder {
		newer := d
		newer.Event, newer.Send, newer.Copies = o.event+"_newer", []time.Duration{0}, 1
		s.Deliveries[0].When.Elapsed = max(o.interval, time.Millisecond)
		s.Deliveries = append(s.Deliveries, newer)
	}
	return s, nil
}

// content is the text of --data: as it is, or that of a file.
func content(data string) (string, error) {
	name, isFile := strings.CutPrefix(data, "@")
	if !isFile {
		return data, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return "", usage("give a file that can be read, or the text itself", "%w", err)
	}
	return string(b), nil
}

// tellSecret tells the test secret, where nothing else was said.
func (o *sendOptions) tellSecret(w io.Writer, d *scenarios.Delivery) {
	if secrets := d.SigningSecrets(); len(o.secrets) == 0 && len(secrets) > 0 {
		fmt.Fprintf(w, "signed with the test secret %s\n", secrets[0])
	}
}

// sendTeller tells of deliveries as they are answered.
type sendTeller struct {
	out   io.Writer
	style report.Style
	json  bool
	base  time.Time
	bad   bool // they have to be refused

	mu       sync.Mutex // guards what follows, and the writing
	live     *report.Live
	sent, ok int
	err      error // the first of writing
}

var _ delivery.Recorder = (*sendTeller)(nil)

// At implements delivery.Recorder.
func (t *sendTeller) At(at time.Time) time.Duration { return at.Sub(t.base) }

// Delivery implements delivery.Recorder.
func (t *sendTeller) Delivery(r journal.DeliveryRecord) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live.Delivery(&r)
}

// Delivered implements delivery.Recorder.
func (t *sendTeller) Delivered(r journal.DeliveryEnd) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, known := t.live.Delivered(&r)
	if !known {
		return
	}
	t.sent++
	class := 2
	if t.bad {
		class = 4
	}
	if r.Failure == "" && r.Status/100 == class {
		t.ok++
	}
	var err error
	if t.json {
		err = report.Line(t.out, &e)
	} else {
		_, err = fmt.Fprintln(t.out, t.style.DeliveryLine(&e))
	}
	if t.err == nil {
		t.err = err
	}
}

// finish tells what came of all, and returns the exit code as an error.
func (t *sendTeller) finish(interrupted bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return written(t.err)
	}
	code, what := exitPassed, "acknowledged"
	if t.bad {
		what = "refused"
	}
	switch {
	case interrupted || t.sent == 0 && t.ok == 0:
		code = exitInterrupted
	case t.ok < t.sent:
		code = exitFailed
	}
	if !t.json {
		deliveries := "deliveries"
		if t.sent == 1 {
			deliveries = "delivery"
		}
		if _, err := fmt.Fprintf(t.out, "%d %s, %d %s      (exit %d)\n", t.sent, deliveries, t.ok, what, code); err != nil {
			return written(err)
		}
	}
	return exit(code)
}
