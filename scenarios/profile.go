package scenarios

import (
	"reflect"
	"slices"
	"time"

	"gopkg.in/yaml.v3"
)

// profileUnits are the values of the profile that durations can be written in, as in "1.5 attempt_timeout".
var profileUnits = []string{"base", "cap", "attempt_timeout", "deadline", "retry_after_max", "open_time", "hedge_after"}

// unit returns what one unit of the profile is. What nothing declares is noted, and taken for a second, so that the rest
// of the file can be checked.
func (l *loader) unit(name string) time.Duration {
	p := l.profile
	units := map[string]*time.Duration{
		"base": p.Base, "cap": p.Cap, "attempt_timeout": p.AttemptTimeout, "deadline": p.Deadline,
		"retry_after_max": p.RetryAfterMax, "open_time": p.OpenTime, "hedge_after": p.HedgeAfter,
	}
	if d := units[name]; d != nil {
		return *d
	}
	l.needs[name] = true
	return time.Second
}

// rateUnit returns the profile's client_rate.
func (l *loader) rateUnit() Rate {
	if r := l.profile.ClientRate; r != nil {
		return *r
	}
	l.needs["client_rate"] = true
	return Rate{Events: 1, Per: time.Second}
}

// fixedDuration is the codec of a duration that cannot be in a unit of the profile, since it is one.
var fixedDuration = scalars(Type{Name: "duration", Example: "250ms"}, func(s string) (time.Duration, *flaw) {
	if _, unit, ok := amount(s); ok && slices.Contains(profileUnits, unit) {
		return 0, &flaw{"a value of the profile cannot be in a unit of the profile, got " + quote(s), "write it in one of " + durationUnits}
	}
	d, f := parseDuration(s, false)
	if f == nil && d <= 0 {
		f = &flaw{"expected a duration above 0, got " + quote(s), ""}
	}
	return d, f
}, showDuration)

var fixedRate = scalars(rateType, parseRate, showRate)

var profilePlace = func() *place[*Profile] {
	in := []Place{InProfile}
	counted := func(name, doc string, least int, at func(*Profile) **int) *row[*Profile] {
		return key(Key{Name: name, In: in, Doc: doc}, optional(count(least)), nil, at)
	}
	timed := func(name, doc string, at func(*Profile) **time.Duration) *row[*Profile] {
		return key(Key{Name: name, In: in, Doc: doc}, optional(fixedDuration), nil, at)
	}
	return &place[*Profile]{in: InProfile, example: "{max_attempts: 3}", rows: []*row[*Profile]{
		counted("max_attempts", "Attempts of a call, the first one too.", 1, func(p *Profile) **int { return &p.MaxAttempts }),
		key(Key{Name: "retries_on", In: in, Doc: "The statuses that are retried."},
			listOf("statuses", status), nil, func(p *Profile) *[]int { return &p.RetriesOn }),
		timed("base", "The backoff's first delay.", func(p *Profile) **time.Duration { return &p.Base }),
		timed("cap", "The backoff's longest delay.", func(p *Profile) **time.Duration { return &p.Cap }),
		timed("attempt_timeout", "How long one attempt may take.", func(p *Profile) **time.Duration { return &p.AttemptTimeout }),
		timed("deadline", "How long a call may take, all attempts together.", func(p *Profile) **time.Duration { return &p.Deadline }),
		timed("retry_after_max", "The longest Retry-After that is waited out.", func(p *Profile) **time.Duration { return &p.RetryAfterMax }),
		counted("breaker_after", "Failures in a row that open the circuit.", 1, func(p *Profile) **int { return &p.BreakerAfter }),
		timed("open_time", "How long the circuit stays open.", func(p *Profile) **time.Duration { return &p.OpenTime }),
		counted("half_open_max", "Probes at once while the circuit is half open.", 1, func(p *Profile) **int { return &p.HalfOpenMax }),
		key(Key{Name: "client_rate", In: in, Doc: "The client's own limit of attempts in time."},
			optional(fixedRate), nil, func(p *Profile) **Rate { return &p.ClientRate }),
		counted("client_burst", "Attempts at once that the client's own limit lets through.", 1, func(p *Profile) **int { return &p.ClientBurst }),
		counted("client_concurrency", "The client's own limit of attempts under way.", 1, func(p *Profile) **int { return &p.ClientConcurrency }),
		counted("pool", "Connections that the client keeps to one host.", 1, func(p *Profile) **int { return &p.Pool }),
		key(Key{Name: "keep_alive", In: in, Doc: "Whether connections are used again."},
			optional(boolean), nil, func(p *Profile) **bool { return &p.KeepAlive }),
		key(Key{Name: "key_header", In: in, Default: "Idempotency-Key", Doc: "The header of the idempotency key."},
			headerName, "", func(p *Profile) *string { return &p.KeyHeader }),
		key(Key{Name: "key_from", In: in, Doc: "What the idempotency key is made from."},
			word("random", "content"), "", func(p *Profile) *string { return &p.KeyFrom }),
		key(Key{Name: "quota_dialect", In: in, Doc: "The quota headers that the client reads."},
			word(dialects...), "", func(p *Profile) *string { return &p.QuotaDialect }),
		key(Key{Name: "pause_scope", In: in, Doc: "What rests after a Retry-After, beside the call."},
			word("origin", "path", "call", "none"), "", func(p *Profile) *string { return &p.PauseScope }),
		timed("hedge_after", "When a second copy of an attempt is sent.", func(p *Profile) **time.Duration { return &p.HedgeAfter }),
		counted("hedge_max", "Copies of an attempt at once.", 1, func(p *Profile) **int { return &p.HedgeMax }),
	}}
}()

var headerNameType = Type{Name: "header name", Example: "Idempotency-Key"}

// headerName is the codec of a header's name.
var headerName = &codec[string]{
	kind: headerNameType,
	read: func(l *loader, n *yaml.Node, v *string) {
		s, ok := l.scalar(n, headerNameType)
		switch {
		case !ok:
		case !token.MatchString(s):
			l.fail(n, quote(s)+" is no header name", "")
		default:
			*v = s
		}
	},
	write: func(_ *printer, v string) tree { return textLeaf(v) },
}

// over returns the profile with what other declares in place of its own values. What is not declared is a zero value.
func (p Profile) over(other Profile) Profile {
	to, from := reflect.ValueOf(&p).Elem(), reflect.ValueOf(other)
	for i := range from.NumField() {
		if v := from.Field(i); !v.IsZero() {
			to.Field(i).Set(v)
		}
	}
	return p
}
