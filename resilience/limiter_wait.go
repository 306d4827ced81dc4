package resilience

import (
	"context"
	"time"
)

// Wait takes a token, and waits for it if need be; those who wait are served in the order of their arrival.
//
// When the token cannot come before the context's deadline, or within MaxWait, Wait refuses at once with a [*LimitError] and
// takes nothing. When ctx ends during the wait the error is the context's, and the others wait as if it had never come.
func (l *Limiter) Wait(ctx context.Context) error { return l.WaitN(ctx, 1) }

// WaitN is Wait for n tokens at once.
func (l *Limiter) WaitN(ctx context.Context, n int) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	if _, found := l.take(n); found == taken {
		return nil
	}
	w, delay, err := l.enqueue(ctx, n)
	if err != nil {
		if l.s.Observer != nil {
			l.s.Observer.Observe(ctx, Event{Kind: EventRejected, Policy: l.s.Name, Delay: delay, Err: err, Reason: "wait"})
		}
		return err
	}
	if w == nil {
		return nil
	}
	if l.s.Observer != nil {
		l.s.Observer.Observe(ctx, Event{Kind: EventWait, Policy: l.s.Name, Delay: delay})
	}
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		l.leave(w)
		return contextError(ctx)
	}
}

// enqueue makes the caller wait for n tokens. It returns no waiter where the tokens are there after all, nor with an error.
func (l *Limiter) enqueue(ctx context.Context, n int) (*waiter, time.Duration, error) {
	if n > l.s.Burst {
		return nil, 0, l.refused(n, 0, false)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b, now := l.begin()
	defer l.commit(b)
	l.refresh(b, now)
	s := l.line.room(int64(n)*b.interval, l.line.queue.last, now)
	due := s.end - b.span
	if due <= now {
		l.line.take(s, now)
		return nil, 0, nil
	}
	delay := duration(due - now)
	if err := l.tooLong(ctx, n, s, delay); err != nil {
		return nil, delay, err
	}
	w := &waiter{at: s, ready: make(chan struct{}, 1)}
	l.line.queue.append(w)
	if l.line.queue.first == w {
		l.schedule(b, now)
	}
	return w, delay, nil
}

// tooLong returns an error if a caller shall not wait for so long.
func (l *Limiter) tooLong(ctx context.Context, n int, s stretch, delay time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < delay {
		return l.refused(n, delay, true)
	}
	if l.s.MaxWait > 0 && delay > l.s.MaxWait || s.end > farAway {
		return l.refused(n, delay, false)
	}
	return nil
}

// leave takes w, whose context has ended, out of the queue.
func (l *Limiter) leave(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, _ := l.begin()
	if w.granted {
		l.line.giveBack(w.at) // the context ended as the tokens came
	} else {
		l.line.queue.remove(w)
		l.line.loose = true
	}
	l.commit(b)
	l.wakeSoon()
}

// begin starts a change of the line: nobody else takes tokens until commit. It returns the tick of the change.
// It requires mu, as do all below.
func (l *Limiter) begin() (b *bucket, now int64) {
	b = l.bucket.Load()
	if end := b.end.Swap(sealed); end != sealed {
		l.line.sync(end)
	}
	now = l.now() // after the swap, and so no earlier than the clock of anyone who took tokens before
	l.line.settle(now, b.span)
	return b, now
}

// refresh lets the queue move up into what was given back.
func (l *Limiter) refresh(b *bucket, now int64) {
	if l.line.loose {
		l.line.lay(now)
		l.line.settle(now, b.span)
		l.schedule(b, now)
	}
}

// commit ends a change of the line.
func (l *Limiter) commit(b *bucket) {
	if l.line.queue.first == nil {
		l.line.loose = false // nobody is there to move up
	}
	if !l.line.gaps() {
		b.end.Store(l.line.end())
	}
}

// schedule sets the timer for the first of the queue.
func (l *Limiter) schedule(b *bucket, now int64) {
	if w := l.line.queue.first; w != nil {
		l.wakeIn(duration(w.at.end - b.span - now))
	}
}

// wakeSoon lets the queue move up, once for all who leave at the same time.
func (l *Limiter) wakeSoon() {
	if l.line.loose && l.line.queue.first != nil {
		l.wakeIn(0)
	}
}

func (l *Limiter) wakeIn(d time.Duration) {
	if l.timer == nil {
		l.timer = time.AfterFunc(d, l.wake)
	} else {
		l.timer.Reset(d)
	}
}

// wake is what the timer runs.
func (l *Limiter) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, now := l.begin()
	l.refresh(b, now)
	l.schedule(b, now)
	l.commit(b)
}

// allow is AllowN where the bucket is sealed, or an observer wants to know how long the tokens would take.
func (l *Limiter) allow(n int) bool {
	var delay time.Duration
	if n <= l.s.Burst {
		var ok bool
		if delay, ok = l.takeNow(n); ok {
			return true
		}
	}
	if l.s.Observer != nil {
		err := l.refused(n, delay, false)
		l.s.Observer.Observe(context.Background(), Event{Kind: EventRejected, Policy: l.s.Name, Delay: delay, Err: err, Reason: "tokens"})
	}
	return false
}

// takeNow takes n tokens if they are there now, or else returns when they would be.
func (l *Limiter) takeNow(n int) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, now := l.begin()
	defer l.commit(b)
	l.refresh(b, now)
	s := l.line.room(int64(n)*b.interval, l.line.queue.last, now)
	if due := s.end - b.span; due > now {
		return duration(due - now), false
	}
	l.line.take(s, now)
	return 0, true
}
