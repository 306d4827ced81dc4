package resilience

import (
	"context"
	"sync"
)

// Policy is one rule about how an operation is run: retry, timeout, breaker and so on.
// A Policy may be used by several goroutines at once.
//
// Run calls next never, once, or several times one after another, with ctx or a context derived from it, and returns what
// the caller shall see. It owes these errors: next's error, unchanged or wrapped so that [errors.Is] and [errors.As] still
// find it, when next was called last and failed; an error of its own that names itself by a sentinel when it refused to
// call next; an error that is ctx.Err() when ctx ended first. It must not call next once ctx is done, and a panic of next
// passes through it unchanged, with nothing left held.
//
// A policy that runs next more than once at the same time, or lets a run outlive Run, must be a [Concurrent] too, and so
// must one that hands next to such a policy.
type Policy interface {
	// Run runs next inside the policy.
	Run(ctx context.Context, next func(context.Context) error) error
}

// ResultPolicy is a Policy that looks at the result of the function, or replaces it. Inside [Do] and [Chain], RunResult is
// called in place of Run. The result is nil when nothing but an error is returned, as in [Chain.Run].
type ResultPolicy interface {
	Policy
	// RunResult is Run with the result of next at hand.
	RunResult(ctx context.Context, next func(context.Context) error, result Result) error
}

// Concurrent is a ResultPolicy that may run next several times at once. Each run but the first is given a context made by
// [Result.Fork], which keeps its result apart; the winner's is taken over with [Result.Adopt] once no other run can write
// to the receiver. The method does nothing but mark the type.
type Concurrent interface {
	ResultPolicy
	// Concurrent does nothing.
	Concurrent()
}

// Result is the place where [Do] keeps what the function returned, seen by a [ResultPolicy] without its type. It is valid
// until RunResult returns. Read it with [ResultOf] or Any, and replace it with [SetResult].
//
// It is not safe for use by several goroutines; forks are what concurrent runs write to.
type Result interface {
	// Any returns the value the function returned last, or the zero value of its type. It may allocate; [ResultOf] does not.
	Any() any
	// Fork returns a place of its own, and a context: calls of next made with that context keep their result there.
	Fork(ctx context.Context) (context.Context, Result)
	// Adopt copies the value of a fork into the receiver.
	Adopt(fork Result)

	// share tells that runs may overlap, so that forks are looked for.
	share()
	// at returns the fork that ctx carries, or else the receiver.
	at(ctx context.Context) Result
}

// ResultOf returns the value kept in r, and whether r holds a T. A nil r holds nothing.
func ResultOf[T any](r Result) (T, bool) {
	if b, ok := r.(*box[T]); ok {
		return b.value, true
	}
	var zero T
	return zero, false
}

// SetResult makes v the value kept in r, and reports whether r holds a T. A nil r holds nothing.
func SetResult[T any](r Result, v T) bool {
	b, ok := r.(*box[T])
	if ok {
		b.value = v
	}
	return ok
}

// ResultIf turns a predicate over results of type T into one over a [Result], for fields such as
// [RetrySettings.RetryResult]. A result of another type, or none, does not satisfy it.
func ResultIf[T any](pred func(T) bool) func(Result) bool {
	return func(r Result) bool {
		v, ok := ResultOf[T](r)
		return ok && pred(v)
	}
}

// Do runs fn inside the policies, outermost first: with Do(ctx, fn, retry, breaker), every attempt of the retry passes the
// breaker. Without a policy it is fn(ctx). What fn returned last is returned even beside an error.
//
// It does not allocate once warm: what a call needs is kept for the next one, unless fn panicked or a policy is [Concurrent].
func Do[T any](ctx context.Context, fn func(context.Context) (T, error), policies ...Policy) (T, error) {
	switch len(policies) {
	case 0:
		return fn(ctx)
	case 1:
		if r, ok := policies[0].(*Retry); ok && r.retryResult == nil {
			return doRetry(ctx, fn, r)
		}
	}
	f := framePool.Get().(*frame)
	b := boxOf[T](f)
	b.fn = fn
	if c, ok := policies[0].(*Chain); ok && len(policies) == 1 && len(c.stages) > 0 {
		f.stages, f.concurrent = c.stages, c.concurrent
	} else {
		f.stack(policies)
	}
	err := f.run(ctx, b.bound, b)
	value := b.value
	if !f.concurrent {
		b.reset()
		f.release()
	}
	return value, err
}

// doRetry is Do with a Retry alone. The closure does not outlive the call, so the compiler keeps it on the stack.
func doRetry[T any](ctx context.Context, fn func(context.Context) (T, error), r *Retry) (value T, err error) {
	err = r.Run(ctx, func(ctx context.Context) (err error) {
		value, err = fn(ctx)
		return err
	})
	return value, err
}

// Chain is a Policy made of policies; see [Compose].
type Chain struct {
	stages     []stage
	concurrent bool
}

var _ ResultPolicy = (*Chain)(nil)

// Compose makes one Policy of several, outermost first. Code that runs often keeps the Chain in a variable: what [Do] finds
// out about each policy per call is then found out once. A Chain of none runs the function as it is. It may be shared by goroutines.
func Compose(policies ...Policy) *Chain {
	c := new(Chain)
	for _, p := range policies {
		s := stageOf(p)
		c.stages = append(c.stages, s)
		c.concurrent = c.concurrent || s.concurrent()
	}
	return c
}

// Run runs next inside the policies of the chain.
func (c *Chain) Run(ctx context.Context, next func(context.Context) error) error {
	return c.RunResult(ctx, next, nil)
}

// RunResult is Run with the result of the function at hand.
func (c *Chain) RunResult(ctx context.Context, next func(context.Context) error, result Result) error {
	if len(c.stages) == 0 {
		return next(ctx)
	}
	f := framePool.Get().(*frame)
	f.stages, f.concurrent = c.stages, c.concurrent
	err := f.run(ctx, next, result)
	if !f.concurrent {
		f.release()
	}
	return err
}

// stage is a policy of a composition, and what is known of it.
type stage struct {
	policy Policy
	result ResultPolicy // the same policy, if it is one
}

func stageOf(p Policy) stage {
	r, _ := p.(ResultPolicy)
	return stage{p, r}
}

func (s stage) concurrent() bool {
	switch p := s.result.(type) {
	case nil:
		return false
	case *Retry:
		return false
	case *Chain:
		return p.concurrent
	default:
		_, ok := p.(Concurrent)
		return ok
	}
}

// framePool holds frames between calls. A frame holds no timer, channel or context, so it may cross synctest bubbles.
var framePool = sync.Pool{New: func() any { return new(frame) }}

// frame is what one call of Do needs: the policies and, for each, the function that runs what is inside of it. Those
// functions are made once per frame and index, not per call.
type frame struct {
	stages     []stage                       // of a Chain, or own
	own        []stage                       // of policies given one by one
	steps      []func(context.Context) error // steps[i] runs stages[i] around steps[i+1]
	last       func(context.Context) error   // what the innermost policy runs
	result     Result                        // nil where only an error is returned
	concurrent bool                          // a policy may still use the frame after the call
	boxes      [4]any                        // *box[T] of the types seen last
	nextBox    uint8                         // which of boxes to replace next
}

// stack fills the stages with policies given one by one.
func (f *frame) stack(policies []Policy) {
	f.own = f.own[:0]
	for _, p := range policies {
		s := stageOf(p)
		f.own = append(f.own, s)
		f.concurrent = f.concurrent || s.concurrent()
	}
	f.stages = f.own
}

func (f *frame) run(ctx context.Context, last func(context.Context) error, result Result) error {
	f.last, f.result = last, result
	for i := len(f.steps); i < len(f.stages); i++ {
		f.steps = append(f.steps, func(ctx context.Context) error { return f.step(ctx, i) })
	}
	if f.concurrent && result != nil {
		result.share()
	}
	return f.step(ctx, 0)
}

func (f *frame) step(ctx context.Context, i int) error {
	next := f.last
	if i+1 < len(f.stages) {
		next = f.steps[i+1]
	}
	s := &f.stages[i]
	if s.result == nil {
		return s.policy.Run(ctx, next)
	}
	result := f.result
	if f.concurrent && result != nil {
		result = result.at(ctx)
	}
	return s.result.RunResult(ctx, next, result)
}

// release gives the frame back; no run may be using it any more.
func (f *frame) release() {
	clear(f.own)
	f.stages, f.last, f.result = nil, nil, nil
	framePool.Put(f)
}

// box is the Result of one call of Do, and a fork of it.
type box[T any] struct {
	value  T
	fn     func(context.Context) (T, error)
	bound  func(context.Context) error // b.invoke, made once
	root   *box[T]                     // of a fork: the box of the call; nil in that box itself
	shared bool                        // runs may overlap, so contexts may carry forks
}

// boxOf returns f's box for results of type T, and makes it on first use.
func boxOf[T any](f *frame) *box[T] {
	for _, have := range f.boxes {
		if b, ok := have.(*box[T]); ok {
			return b
		}
	}
	b := new(box[T])
	b.bound = b.invoke
	f.boxes[f.nextBox] = b
	f.nextBox = (f.nextBox + 1) % uint8(len(f.boxes))
	return b
}

func (b *box[T]) invoke(ctx context.Context) error {
	to := b
	if b.shared {
		to = b.nearest(ctx)
	}
	value, err := b.fn(ctx)
	to.value = value
	return err
}

func (b *box[T]) reset() {
	var zero T
	b.value, b.fn = zero, nil
}

func (b *box[T]) Any() any { return b.value }

func (b *box[T]) Fork(ctx context.Context) (context.Context, Result) {
	root := b
	if b.root != nil {
		root = b.root
	}
	fork := &box[T]{root: root}
	return context.WithValue(ctx, root, fork), fork // the root is the key, so nested calls of Do do not meet
}

func (b *box[T]) Adopt(fork Result) {
	if from, ok := fork.(*box[T]); ok {
		b.value = from.value
	}
}

func (b *box[T]) share() { b.shared = true }

func (b *box[T]) at(ctx context.Context) Result { return b.nearest(ctx) }

// nearest returns the innermost fork of the same call that ctx carries, or else b.
func (b *box[T]) nearest(ctx context.Context) *box[T] {
	root := b
	if b.root != nil {
		root = b.root
	}
	if fork, ok := ctx.Value(root).(*box[T]); ok {
		return fork
	}
	return b
}
