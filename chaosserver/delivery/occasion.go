package delivery

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// entry is an entry of deliveries made ready.
type entry struct {
	*scenarios.Delivery
	sender  *Sender
	secrets []string
	within  time.Duration
	waits   []time.Duration // between deliveries that fail
	bad     string
	effects int // that made an event of it; guarded by the engine's mu
}

// occasion is one event of one entry, whose deliveries have all but time, signature and retry marker in common.
type occasion struct {
	*entry
	id   string
	nth  int // 1-based, in the entry
	seed uint64
	call int // of the effect; 0 where there is none
	key  string

	once   sync.Once // guards signed, where later deliveries are not signed anew
	signed time.Time
}

// message is the delivery of the event, not yet signed.
func (o *occasion) message(t *target, retry int, reason string) *Message {
	return &Message{
		ID: o.id, Type: o.Type, Signed: o.clock(), Base: t.base, Path: o.To,
		Body: o.Body.Kind, Text: o.text(), Header: o.header(),
		Secrets: o.secrets, Retry: o.marker(retry), Reason: reason, Tamper: o.Tamper,
	}
}

// clock is the sender's clock: off by the skew, and where later deliveries are not signed anew, as at the first.
func (o *occasion) clock() time.Time {
	now := time.Now().Add(o.Skew)
	if o.Resign {
		return now
	}
	o.once.Do(func() { o.signed = now })
	return o.signed
}

// marker is the number on the retry marker of a delivery before which so many failed; 0: it has none.
func (o *occasion) marker(retry int) int {
	if o.RetryNum != nil {
		return *o.RetryNum + retry
	}
	return retry
}

// text is the body as the scenario has it; nil where it says nothing.
func (o *occasion) text() []byte {
	switch o.Body.Kind {
	case scenarios.BodyJSON, scenarios.BodyText:
		return o.Body.Text.Append(nil, o.variable)
	case scenarios.BodySize:
		var key [32]byte
		binary.LittleEndian.PutUint64(key[:], o.seed)
		digest := sha256.Sum256(append(key[:8:8], o.id...))
		b := make([]byte, o.Body.Size)
		_, _ = rand.NewChaCha8(digest).Read(b) // never fails
		return b
	}
	return nil
}

func (o *occasion) header() []journal.Field {
	fields := make([]journal.Field, 0, len(o.Headers))
	for _, h := range o.Headers {
		value := string(h.Value.Append(nil, o.variable))
		if h.Repeat != "" {
			value = strings.Repeat(h.Repeat, int(h.Size)/len(h.Repeat)+1)[:h.Size]
		}
		fields = append(fields, journal.Field{Name: h.Name, Value: value})
	}
	return fields
}

// variable is the value of a template's variable.
func (o *occasion) variable(name string) string {
	switch name {
	case "event":
		return o.id
	case "nth":
		return strconv.Itoa(o.nth)
	case "seed":
		return strconv.FormatUint(o.seed, 10)
	case "call":
		return strconv.Itoa(o.call)
	case "key":
		return o.key
	}
	return ""
}
