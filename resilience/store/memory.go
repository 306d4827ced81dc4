package store

import (
	"context"
	"encoding/binary"
	"hash/maphash"
	"sync/atomic"
	"time"

	"brownout/resilience"
)

// Defaults of [MemorySettings].
const (
	DefaultMaxKeys  = 1 << 20
	DefaultMaxBytes = 256 << 20
)

// MemorySettings bound a [Memory]. The zero value is a bound of a million keys and 256 MiB of records.
type MemorySettings struct {
	// MaxKeys is how many keys are remembered at most, done or under way. 0 means [DefaultMaxKeys].
	MaxKeys int
	// MaxBytes is how many bytes of records there may be before new keys are refused. 0 means [DefaultMaxBytes].
	// Work that was claimed before is still committed, so the bound can be passed by as much as is in flight.
	MaxBytes int64
}

// Memory is a [Store] in the memory of one process. Its bounds hold by refusing new keys with [ErrFull], never by forgetting
// a key that is alive; keys whose time is over make room by themselves, without a goroutine. Time is the monotonic clock.
//
// A key costs 53 to 56 bytes beside its record, of which the garbage collector looks at none. Instants are kept to the millisecond, and
// nothing is over too early. At the bound, a new key costs a look through a part of the keys, as soon as one of them may be over.
type Memory struct {
	start    time.Time // of the clock: instants are durations since then
	maxKeys  int64
	maxBytes int64
	keys     atomic.Int64
	bytes    atomic.Int64 // of records
	seeds    [2]maphash.Seed
	shards   [memoryShards]shard
}

// memoryShards is how many locks the keys are spread over.
const memoryShards = 64

var (
	_ Store  = (*Memory)(nil)
	_ Hasher = (*Memory)(nil)
)

// NewMemory returns an empty store. The error names the setting that cannot be accepted.
func NewMemory(s MemorySettings) (*Memory, error) {
	if s.MaxKeys == 0 {
		s.MaxKeys = DefaultMaxKeys
	}
	if s.MaxBytes == 0 {
		s.MaxBytes = DefaultMaxBytes
	}
	const maxMaxKeys = 1 << 29
	switch {
	case s.MaxKeys < 0 || s.MaxKeys > maxMaxKeys:
		return nil, &resilience.SettingError{Field: "MemorySettings.MaxKeys", Value: s.MaxKeys, Want: "0 (the default, 1048576) to 536870912"}
	case s.MaxBytes < 0:
		return nil, &resilience.SettingError{Field: "MemorySettings.MaxBytes", Value: s.MaxBytes, Want: "0 (the default, 256 MiB) or more"}
	}
	m := &Memory{start: time.Now(), maxKeys: int64(s.MaxKeys), maxBytes: s.MaxBytes, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	for i := range m.shards {
		m.shards[i].soonest = never
	}
	return m, nil
}

// Hash returns two hashes of hash/maphash under seeds of this store's own, so that nobody outside can tell what collides. Two
// given strings do so with a probability of about 2^-128. It takes a fifth of the time of SHA-256.
func (m *Memory) Hash(data []byte) (sum [16]byte) {
	binary.LittleEndian.PutUint64(sum[:8], maphash.Bytes(m.seeds[0], data))
	binary.LittleEndian.PutUint64(sum[8:], maphash.Bytes(m.seeds[1], data))
	return sum
}

// Len returns how many keys are remembered, those included whose time is over but whose room was not needed yet.
func (m *Memory) Len() int { return int(m.keys.Load()) }

func (m *Memory) shard(key Key) *shard {
	return &m.shards[binary.LittleEndian.Uint64(key[:])%memoryShards]
}

func (m *Memory) now() time.Duration { return time.Since(m.start) }

// Claim is described at [Store].
func (m *Memory) Claim(ctx context.Context, key Key, terms Terms) (Claim, error) {
	if err := ctx.Err(); err != nil {
		return Claim{}, context.Cause(ctx)
	}
	terms, err := terms.Check()
	if err != nil {
		return Claim{}, err
	}
	now := m.now()
	s := m.shard(key)
	for {
		claim, full := s.claim(m, &key, &terms, now)
		if !full {
			return claim, nil
		}
		if !m.makeRoom(s, milliseconds(now)) {
			return Claim{}, ErrFull
		}
	}
}

// makeRoom drops what is over, in the shard that needs room and then in others, and reports whether there is room now.
func (m *Memory) makeRoom(in *shard, now uint64) bool {
	if !in.makeRoom(m, now) {
		return false
	}
	for i := 0; m.full() && i < len(m.shards); i++ {
		m.shards[i].makeRoom(m, now)
	}
	return !m.full()
}

func (m *Memory) full() bool { return m.keys.Load() >= m.maxKeys || m.bytes.Load() >= m.maxBytes }

// Renew is described at [Store].
func (m *Memory) Renew(ctx context.Context, key Key, token Token, lease time.Duration) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if _, err := (Terms{Lease: lease}).Check(); err != nil {
		return err
	}
	now := m.now()
	s := m.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, e, held := s.held(&key, token, milliseconds(now))
	if !held || e.done() {
		return ErrLost
	}
	end := millisecondsUp(now + lease)
	e.setLease(end)
	e.setUntil(max(e.until&timeMask, end))
	return nil
}

// Commit is described at [Store].
func (m *Memory) Commit(ctx context.Context, key Key, token Token, record string, keep time.Duration) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if err := CheckKeep(keep); err != nil {
		return err
	}
	now := m.now()
	s := m.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	i, e, held := s.held(&key, token, milliseconds(now))
	switch {
	case !held:
		return ErrLost
	case e.done():
		return nil
	}
	end := millisecondsUp(now + keep)
	e.until |= doneFlag
	e.setUntil(end)
	s.soonest = min(s.soonest, end)
	s.slots.setRecord(i, record)
	m.bytes.Add(int64(len(record)))
	return nil
}

// Release is described at [Store].
func (m *Memory) Release(ctx context.Context, key Key, token Token) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	now := milliseconds(m.now())
	s := m.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	i, known := s.index.find(&s.slots, &key)
	if !known {
		return nil
	}
	switch e := s.slots.at(i); {
	case e.over(now):
	case e.token() != token || e.done():
		return ErrLost
	case e.reclaimed():
		e.setLease(now)
	default:
		s.remove(m, i)
	}
	return nil
}
