package bolt

import "context"

// Waiting returns how many writes wait for the one that runs.
func (b *Store) Waiting() int {
	b.group.mu.Lock()
	defer b.group.mu.Unlock()
	return len(b.group.queue)
}

// Running reports whether a write has the lead.
func (b *Store) Running() bool {
	b.group.mu.Lock()
	defer b.group.mu.Unlock()
	return b.group.running
}

// Do runs step as a write.
func (b *Store) Do(ctx context.Context, step func() error) error {
	return b.group.do(ctx, func(table) error { return step() })
}
