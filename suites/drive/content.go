package drive

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"strings"

	"brownout/scenarios"
)

// variable gives the value of a template's variable for a call: {call} and {nth} are its number, {attempt} is 1 and
// {seed} the run's; others are empty.
func variable(number int, seed uint64) func(name string) string {
	return func(name string) string {
		switch name {
		case "call", "nth":
			return strconv.Itoa(number)
		case "attempt":
			return "1"
		case "seed":
			return decimal(seed)
		}
		return ""
	}
}

// target returns the path of a call's request, with its query, for a case where the step is done for each.
func target(req *scenarios.Request, number int, variant string) string {
	value := variable(number, 0)
	var b strings.Builder
	for _, s := range req.Path.Segments {
		b.WriteByte('/')
		if s.Var == "case" {
			b.WriteString(variant)
		} else if s.Var != "" {
			b.WriteString(value(s.Var))
		} else {
			b.WriteString(s.Literal)
		}
	}
	if b.Len() == 0 || req.Path.Rest {
		b.WriteByte('/')
	}
	if req.Query != "" {
		b.WriteString("?" + req.Query)
	}
	return b.String()
}

// content returns what a call sends: empty where the step names nothing. Seeded bytes are those of ChaCha8 keyed by seed
// and call.
func content(s *scenarios.Step, number int, seed uint64) []byte {
	switch s.Body.Kind {
	case scenarios.BodyJSON, scenarios.BodyText:
		return s.Body.Text.Append(nil, variable(number, seed))
	case scenarios.BodySize:
		var key [32]byte
		binary.LittleEndian.PutUint64(key[:], seed)
		binary.LittleEndian.PutUint64(key[8:], uint64(number))
		b := make([]byte, s.Body.Size)
		_, _ = rand.NewChaCha8(key).Read(b) // never fails
		return b
	}
	return nil
}
