package delivery

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// Sender makes requests as one service does. It may be used by several goroutines.
type Sender struct {
	name   string
	traits scenarios.Sender // its row in the grammar

	form bool // bodies are forms, unless they are JSON
	// members are what a body that is a JSON object has to hold; nil: nothing.
	members func(m *Message) []member
	// stamp writes the time as the sender does; nil: it signs none.
	stamp func(at time.Time) string
	// path is the path that is sent and signed; nil: the message's.
	path func(p *parts) string
	// sign returns a signature under a secret; nil: the sender signs nothing.
	sign func(p *parts, secret string) (signature, error)
	// fields are the header fields that say what is delivered, with the signatures; where there are none the field of
	// signatures is left out.
	fields func(p *parts, signatures []signature) []journal.Field

	unknown string // a scheme that nobody knows; "" where the sender names none
	alien   string // a secret that no consumer knows
	public  string // likewise, one whose signatures are checked with a public key; "" where there are none such
}

// parts are what a signature is made of.
type parts struct {
	*Message
	stamp string // the time as written
	path  string
	body  []byte
	kind  string // the body's type
}

// signature is a signature, and the name of its scheme where the sender names one.
type signature struct{ scheme, text string }

// senders are the conventions, a file for each; their rows in the grammar are scenarios.Senders.
var senders = []Sender{standard, stripe, github, slack, shopify, twilio, paypal, cloudEvents, none}

// alienSecret signs what a consumer has to refuse, where a secret may be any text.
const alienSecret = "somebody-else's-secret"

// Names returns the names of the senders.
func Names() []string {
	names := make([]string, len(senders))
	for i := range senders {
		names[i] = senders[i].name
	}
	return names
}

// Named returns the sender of a name. The error says which there are.
func Named(name string) (*Sender, error) {
	for _, s := range senders {
		if s.name == name {
			s.traits, _ = scenarios.SenderNamed(name)
			return &s, nil
		}
	}
	return nil, fmt.Errorf("there is no sender %q; there are %s", name, strings.Join(Names(), ", "))
}

// Request makes the request of a delivery. The error says that a secret is none of the sender's kind, or that it
// cannot be tampered with so.
func (s *Sender) Request(m *Message) (*Request, error) {
	if m.Tamper != "" && !slices.Contains(s.traits.Tampers, m.Tamper) {
		return nil, fmt.Errorf("%s: %s is nothing that a consumer could see", s.name, m.Tamper)
	}
	p := &parts{Message: m, path: m.Path}
	p.body, p.kind = m.content(s)
	if s.stamp != nil {
		p.stamp = s.stamp(m.Signed)
		if m.Tamper == scenarios.TamperGarbageTimestamp {
			p.stamp = "yesterday"
		}
	}
	if s.path != nil {
		p.path = s.path(p)
	}
	signatures, err := s.signatures(p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	s.change(p)
	r := &Request{Path: p.path, Body: p.body}
	r.Header = withFields([]journal.Field{{Name: "User-Agent", Value: "brownout-webhooks/1"}, {Name: "Content-Type", Value: p.kind}},
		append(s.fields(p, signatures), m.Header...))
	r.Header = append(r.Header, journal.Field{Name: "Content-Length", Value: strconv.Itoa(len(r.Body))})
	return r, nil
}

// signatures signs, and tampers with what came of it.
func (s *Sender) signatures(p *parts) ([]signature, error) {
	secrets := p.Secrets
	switch {
	case s.sign == nil || p.Tamper == scenarios.TamperNoSignature:
		return nil, nil
	case p.Tamper == scenarios.TamperWrongSecret:
		secrets = []string{s.alien}
	case p.Tamper == scenarios.TamperPublicKeyOnly:
		secrets = []string{s.public}
	}
	list := make([]signature, len(secrets))
	for i, secret := range secrets {
		var err error
		if list[i], err = s.sign(p, secret); err != nil {
			return nil, err
		}
		switch p.Tamper {
		case scenarios.TamperEmptySignature:
			list[i].text = ""
		case scenarios.TamperTruncatedSignature:
			list[i].text = list[i].text[:len(list[i].text)/2]
		case scenarios.TamperUnknownScheme:
			list[i].scheme = s.unknown
		}
	}
	return list, nil
}

// change tampers with what was signed.
func (s *Sender) change(p *parts) {
	switch p.Tamper {
	case scenarios.TamperBodyPlusOne:
		p.body = append(slices.Clone(p.body), '\n') // which a parser of JSON takes away again
	case scenarios.TamperIDSwapped:
		swapped := scenarios.SwappedID(p.ID)
		if s.traits.ID != "" && s.name != paypal.name {
			p.body = bytes.ReplaceAll(p.body, strconv.AppendQuote(nil, p.ID), strconv.AppendQuote(nil, swapped))
		}
		m := *p.Message
		m.ID = swapped
		p.Message = &m
	}
}

// withFields returns fields with others in their places, or behind them.
func withFields(fields, others []journal.Field) []journal.Field {
	named := func(name string) func(journal.Field) bool {
		return func(f journal.Field) bool { return sameName(f.Name, name) }
	}
	for _, f := range others {
		if i := slices.IndexFunc(fields[:min(2, len(fields))], named(f.Name)); i >= 0 {
			fields[i] = f // User-Agent and Content-Type stand once
			continue
		}
		fields = append(fields, f)
	}
	return fields
}
