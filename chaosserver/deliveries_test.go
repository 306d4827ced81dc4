package chaosserver

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brownout/chaosserver/delivery"
	"brownout/scenarios"
)

// webhookServer is a server of a scenario, in memory, and a consumer that makes a call to it for each delivery and
// then answers 200.
func webhookServer(t *testing.T, text string) (srv *Server, consumer delivery.Consumer) {
	t.Helper()
	s, err := scenarios.Parse("webhooks.yaml", []byte("name: webhooks\n"+text))
	must(t, err)
	srv, err = New(s)
	must(t, err)
	must(t, srv.StartMemory())
	l, dial := ListenMemory()
	hs := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp, err := srv.Client().Post(srv.URL()+"/effects/"+r.Header.Get("webhook-id"), "", nil)
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_ = resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
	})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = hs.Serve(l)
	}()
	t.Cleanup(func() {
		must(t, srv.Close())
		must(t, hs.Close())
		<-served
	})
	return srv, delivery.Consumer{URL: "http://consumer.test", Dial: dial}
}

// TestDeliver: the scenario's time begins with the deliveries, what the consumer does is journalled as attempts of the event,
// and Settle waits for both.
func TestDeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, consumer := webhookServer(t, `
routes: [{match: POST /effects/:event, answers: [{status: 200, delay: 5s}]}]
faults: [{name: early, when: {elapsed: ..2s}, status: 503}]
deliveries: [{event: a, send: [1s, 3s]}]
expect: [acknowledges]`)
		time.Sleep(time.Hour) // the consumer takes its time to listen
		must(t, srv.Deliver(consumer))
		must(t, srv.Settle(t.Context(), 2*time.Second))
		log := srv.Journal().Log()
		if len(log.Deliveries) != 2 || log.Deliveries[0].Status != 503 || log.Deliveries[1].Status != 200 {
			t.Fatalf("the deliveries are %+v", log.Deliveries)
		}
		if d := log.Deliveries[1]; d.Sent != time.Hour+3*time.Second || d.Answered != d.Sent+5*time.Second {
			t.Errorf("the second was sent at %v and answered at %v", d.Sent, d.Answered)
		}
		if len(log.Attempts) != 2 || log.Attempts[0].Event != "a" || log.Attempts[0].Reason != "early, faults[0]" {
			t.Errorf("the attempts are %+v", log.Attempts)
		}
		if now := srv.Journal().Now(); now != time.Hour+10*time.Second {
			t.Errorf("it was settled after %v, want 2s after the last answer", now-time.Hour)
		}
		if err := srv.Deliver(consumer); err == nil || !strings.Contains(err.Error(), "the deliveries have begun") {
			t.Errorf("Deliver again: %v", err)
		}
	})
}

// TestDeliverAnew: after a reset the deliveries begin anew, and what was under way is cut short.
func TestDeliverAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, consumer := webhookServer(t, "routes: [{match: POST /effects/:event, answers: [{status: 200, delay: 5s}]}]\ndeliveries: [{event: a}, {event: b, when: {elapsed: 1m}}]")
		must(t, srv.Deliver(consumer))
		time.Sleep(time.Second)
		before := srv.Journal()
		must(t, srv.Reset())
		if d := before.Log().Deliveries; len(d) != 1 || d[0].Failure != "the run ended" {
			t.Errorf("before the reset were delivered %+v", d)
		}
		must(t, srv.Settle(t.Context(), time.Second))
		log := srv.Journal().Log()
		if len(log.Deliveries) != 2 || log.Deliveries[1].Event != "b" || log.Deliveries[1].Sent != time.Minute {
			t.Errorf("behind the reset were delivered %+v", log.Deliveries)
		}
	})
}

// TestDeliverAtEffects: each effect of a route makes an event of its own, which knows the call and its key.
func TestDeliverAtEffects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, consumer := webhookServer(t, `
routes: [{match: POST /payments, commit: {key: Idempotency-Key}, answers: [{status: 201}]}, {match: POST /effects/:event}]
deliveries: [{event: paid, sender: none, when: {effect: POST /payments}, send: [1s], json: {payment: "{call}"}, headers: {X-Key: "{key}"}}]`)
		must(t, srv.Deliver(consumer))
		for _, key := range []string{"a", "a", "b"} {
			req, err := http.NewRequest(http.MethodPost, srv.URL()+"/payments", nil)
			must(t, err)
			req.Header.Set("Idempotency-Key", key)
			resp, err := srv.Client().Do(req)
			must(t, err)
			must(t, resp.Body.Close())
		}
		must(t, srv.Settle(t.Context(), time.Second))
		var got []string
		for _, d := range srv.Journal().Log().Deliveries {
			for _, f := range d.Headers {
				if f.Name == "X-Key" {
					got = append(got, d.Event+" "+f.Value)
				}
			}
			if d.Sent != time.Second {
				t.Errorf("%s was sent at %v", d.Event, d.Sent)
			}
		}
		slices.Sort(got)
		if want := []string{"paid_1 a", "paid_2 b"}; !slices.Equal(got, want) {
			t.Errorf("delivered were %q, want %q", got, want)
		}
	})
}

// TestDeliverCannot: what keeps deliveries from being sent is said at once.
func TestDeliverCannot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, consumer := webhookServer(t, "deliveries: [{event: a, when: {elapsed: 1h}}]")
		if err := srv.Deliver(delivery.Consumer{URL: "http://example.com"}); !delivery.IsRemote(err) {
			t.Errorf("another machine: %v", err)
		}
		must(t, srv.Deliver(consumer))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := srv.Settle(ctx, time.Second); err == nil || ctx.Err() == nil {
			t.Errorf("a delivery is due in an hour, and Settle gave %v", err)
		}
		must(t, srv.Close())
		if err := srv.Deliver(consumer); err == nil {
			t.Error("a closed server delivers")
		}
		none, err := New(&scenarios.Scenario{Name: "none"})
		must(t, err)
		if err := none.Deliver(consumer); err == nil || !strings.Contains(err.Error(), "has no deliveries") {
			t.Errorf("a scenario without deliveries: %v", err)
		}
		must(t, none.Close())
	})
}
