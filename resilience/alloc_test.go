//go:build !race

package resilience_test

import (
	"context"
	"testing"

	"brownout/resilience"
)

// These counts hold without the race detector alone: under it sync.Pool drops items at random.

func TestDoDoesNotAllocate(t *testing.T) {
	ctx := t.Context()
	fn := func(context.Context) (int, error) { return 1000, nil }
	var a, b resilience.Policy = twice{}, resilience.Compose(twice{})
	if n := testing.AllocsPerRun(1000, func() { _, _ = resilience.Do(ctx, fn, a, b) }); n != 0 {
		t.Errorf("Do with two policies: %v allocations, want 0", n)
	}
}
