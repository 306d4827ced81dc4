//go:build !race

package httpserver_test

import (
	"net/http"
	"testing"

	"brownout/resilience/httpserver"
)

// These counts hold without the race detector alone: under it sync.Pool drops items at random.

func TestAllocations(t *testing.T) {
	bare := newBench512(t, key)
	want := testing.AllocsPerRun(1000, func() { bare.round(bare) })

	keyless := newBench512(t, "")
	h := newIdempotency(t, httpserver.IdempotencySettings{}).Handler(keyless)
	if n := testing.AllocsPerRun(1000, func() { keyless.round(h) }); n != want {
		t.Errorf("without a key: %v allocations, want the handler's %v", n, want)
	}
	replayed := newBench512(t, key)
	h = newIdempotency(t, httpserver.IdempotencySettings{}).Handler(replayed)
	if n := testing.AllocsPerRun(1000, func() { replayed.round(h) }); n > want+1 {
		t.Errorf("a replay: %v allocations, want at most one more than the handler's %v", n, want)
	}
	if replayed.out.status != http.StatusCreated || replayed.out.header.Get(httpserver.ReplayedHeader) != "true" {
		t.Errorf("not a replay: %d %v", replayed.out.status, replayed.out.header)
	}
	settings := httpserver.SignatureSettings{Secrets: []string{hookSecret}}
	standard, err := httpserver.NewStandardWebhooks(settings)
	v := verifier(t, standard, err)
	r := delivery("msg_1", string(bare.payload))
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := v.Verify(r.Header, bare.payload); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("verifying a webhook: %v allocations, want none", n)
	}
}
