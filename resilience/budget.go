package resilience

import (
	"math"
	"sync/atomic"
	"time"
)

// Defaults of [BudgetSettings].
const (
	DefaultBudgetTokens  = 100
	DefaultBudgetPerCall = 0.2 // Finagle's RetryBudget and Envoy's retry_budget: 20 %
	DefaultRetryCost     = 1.0
)

// BudgetSettings describe a [Budget]. All amounts are in tokens, from 0.001 to 1,000,000, and are kept in thousandths.
// The zero value lets 20 % of the calls be retried, and 100 more at the start.
type BudgetSettings struct {
	Tokens float64 // how many the bucket holds, and holds at the start; 0 = [DefaultBudgetTokens]
	Floor  float64 // a retry needs more than this many in the bucket, below Tokens; 0 = what the retry costs is enough

	RetryCost     float64 // what a retry takes; 0 = [DefaultRetryCost], or nothing where FailureCost is set
	ThrottledCost float64 // what a retry takes where the server refused for load; 0 = RetryCost
	FailureCost   float64 // what every failed attempt takes, retried or not; 0 = nothing

	PerCall     float64 // what every call gives, however it ends; 0 = [DefaultBudgetPerCall], or nothing where any of the three below is set
	PerSuccess  float64 // what every call that succeeds gives; 0 = nothing
	RefundRetry bool    // a call that succeeds by a retry gives back what that retry took, in place of PerSuccess
	PerSecond   float64 // what time gives, for clients that make few calls; 0 = nothing
}

// GRPCBudget returns the throttling of gRPC retries with the values of proposal A6's example: 10 tokens, each failed
// attempt takes one, each success gives 0.1, and retries stop at half.
func GRPCBudget() BudgetSettings {
	return BudgetSettings{Tokens: 10, Floor: 5, FailureCost: 1, PerSuccess: 0.1}
}

// AWSBudget returns the retry quota of the AWS SDKs' retry behaviour of 2026: 500 tokens, 14 for a retry and 5 where the
// server throttles; a success gives back what its retry took, or 1.
func AWSBudget() BudgetSettings {
	return BudgetSettings{Tokens: 500, RetryCost: 14, ThrottledCost: 5, PerSuccess: 1, RefundRetry: true}
}

// FinagleBudget returns Finagle's RetryBudget: 20 % of the calls and 10 retries a second. Finagle lets a deposit expire
// after 10 s; here the bucket's size, 10 s of the reserve, bounds what is saved, and needs no clock when calls succeed.
func FinagleBudget() BudgetSettings {
	return BudgetSettings{Tokens: 100, PerCall: 0.2, PerSecond: 10}
}

// SREBudget returns the per-client retry budget of the SRE book, ch. 21: retries are at most 10 % of the calls.
func SREBudget() BudgetSettings {
	return BudgetSettings{Tokens: 10, PerCall: 0.1}
}

const milli = 1000 // tokens are counted in thousandths, so that a tenth of a token is not rounded to nothing

// Budget bounds the retries of many calls together, so that clients do not multiply the load of a server in trouble. It is
// a token bucket, shared by goroutines without a lock. Use one per destination, not one per process or per call.
//
// With a full bucket a call that succeeds costs one atomic load.
type Budget struct {
	max, floor               int64 // in thousandths, as all below
	retryCost, throttledCost int64
	failureCost              int64
	perCall, perSuccess      int64
	refundRetry              bool
	perSecond                int64
	tokens                   atomic.Int64
	base                     time.Time    // when the Budget was made
	accrued                  atomic.Int64 // time since base that PerSecond was paid for, in ns
}

// NewBudget returns a full Budget. The error is a [*SettingError].
func NewBudget(s BudgetSettings) (*Budget, error) {
	b := &Budget{refundRetry: s.RefundRetry, base: time.Now()}
	if s.PerCall == 0 && s.PerSuccess == 0 && !s.RefundRetry && s.PerSecond == 0 {
		s.PerCall = DefaultBudgetPerCall
	}
	if s.RetryCost == 0 && s.FailureCost == 0 {
		s.RetryCost = DefaultRetryCost
	}
	if s.ThrottledCost == 0 {
		s.ThrottledCost = s.RetryCost
	}
	s.Tokens = orDefault(s.Tokens, DefaultBudgetTokens)
	for _, f := range []struct {
		name string
		from float64
		to   *int64
	}{
		{"Tokens", s.Tokens, &b.max}, {"Floor", s.Floor, &b.floor},
		{"RetryCost", s.RetryCost, &b.retryCost}, {"ThrottledCost", s.ThrottledCost, &b.throttledCost},
		{"FailureCost", s.FailureCost, &b.failureCost}, {"PerCall", s.PerCall, &b.perCall},
		{"PerSuccess", s.PerSuccess, &b.perSuccess}, {"PerSecond", s.PerSecond, &b.perSecond},
	} {
		if f.from != 0 && !(f.from >= 0.001 && f.from <= 1e6) {
			return nil, &SettingError{"BudgetSettings." + f.name, f.from, "0 (the default), or 0.001 to 1000000"}
		}
		*f.to = int64(math.Round(f.from * milli))
	}
	if b.floor >= b.max {
		return nil, &SettingError{"BudgetSettings.Floor", s.Floor, "less than Tokens"}
	}
	b.tokens.Store(b.max)
	return b, nil
}

// Tokens returns how many tokens there are.
func (b *Budget) Tokens() float64 {
	b.accrue()
	return float64(b.tokens.Load()) / milli
}

// take takes the price of a retry, or of one where the server refused for load, and reports whether there was enough.
// A call that then succeeds may give the price back: see RefundRetry.
func (b *Budget) take(throttled bool) (price int64, ok bool) {
	price = b.retryCost
	if throttled {
		price = b.throttledCost
	}
	b.accrue()
	for {
		have := b.tokens.Load()
		if have <= b.floor && b.floor > 0 || have < price {
			return 0, false
		}
		if price == 0 || b.tokens.CompareAndSwap(have, have-price) {
			return price, true
		}
	}
}

// Succeeded tells the budget of a call whose first attempt succeeded, or was answered by a healthy server. A [Retry] does so by
// itself, and so does [Attempts.Succeeded]; it is for code that asks for [Attempts] only once an attempt has failed.
func (b *Budget) Succeeded() {
	if b.tokens.Load() != b.max {
		b.add(b.perCall + b.perSuccess)
	}
}

// recovered is told of a call that succeeded by a retry that took price.
func (b *Budget) recovered(price int64) {
	if b.refundRetry {
		b.add(price)
	} else {
		b.add(b.perSuccess)
	}
}

// failed is told of an attempt that failed.
func (b *Budget) failed(first bool) {
	amount := -b.failureCost
	if first {
		amount += b.perCall
	}
	b.add(amount)
}

// add adds amount, which may be negative, within 0 and max.
func (b *Budget) add(amount int64) {
	for {
		have := b.tokens.Load()
		want := min(b.max, max(0, have+amount))
		if want == have || b.tokens.CompareAndSwap(have, want) {
			return
		}
	}
}

// accrue adds what time has given since it was called last.
func (b *Budget) accrue() {
	if b.perSecond == 0 {
		return
	}
	now := int64(time.Since(b.base))
	full := b.max * int64(time.Second) / b.perSecond // fills the bucket; bounds the product below to 1e18
	for {
		last := b.accrued.Load()
		from := max(last, now-full)
		got := (now - from) * b.perSecond / int64(time.Second)
		if got <= 0 {
			return
		}
		// What a whole number of thousandths took is paid for; the rest of the time stays for the next call.
		if b.accrued.CompareAndSwap(last, from+got*int64(time.Second)/b.perSecond) {
			b.add(got)
			return
		}
	}
}
