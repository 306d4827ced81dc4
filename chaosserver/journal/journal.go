package journal

import (
	"errors"
	"time"
)

// ErrShut is what recording gives after [Journal.Shut].
var ErrShut = errors.New("the journal is shut")

// Defaults of [Options].
const (
	DefaultMaxRecords = 65_536   // attempts
	DefaultMaxBytes   = 64 << 20 // bytes
)

// Options say what a journal is of, what it keeps and what it hides. The zero value is a journal in memory with
// every default.
type Options struct {
	Scenario     string // name of the scenario; for the header
	ScenarioFile string // where it was read from; for the header
	Seed         uint64 // for the header
	Emulated     bool   // connections are in memory; for the header

	// MaxRecords bounds the attempts in the ring, and MaxBytes its memory. The oldest records make room for new
	// ones and are counted. 0: DefaultMaxRecords and DefaultMaxBytes. MaxBytes: at least 64 KiB.
	MaxRecords int
	MaxBytes   int

	// File is the path of the journal's file, one JSON object a line; "": none. It must not exist: a journal is
	// evidence and is never overwritten.
	File string

	// KeepBody is how many bytes of each request's body are recorded; 0: none, only length and hash.
	KeepBody int

	// SecretHeaders and SecretParams name the header fields and the query parameters whose values are replaced by
	// a salted hash: a name, or a pattern in which * stands for any characters; case does not matter. nil: those
	// of DefaultSecretHeaders and DefaultSecretParams, to which a caller may append. Empty, not nil: none.
	SecretHeaders []string
	SecretParams  []string

	// Salt is the key of the hashes; nil: random. Equal secrets have equal hashes under one salt.
	Salt []byte
}

// Journal records one run. Its methods may be called from several goroutines.
type Journal struct {
	base time.Time
}

// New starts a journal. Instant 0 of its record is now.
func New(o Options) (*Journal, error) {
	return &Journal{base: time.Now()}, nil
}

// Now is the time since the journal was started, on the monotonic clock that all its instants are of.
func (j *Journal) Now() time.Duration { return time.Since(j.base) }

type kind uint8

const (
	kindOpen kind = iota + 1
	kindClose
	kindAttempt
	kindEnd
	kindLate
	kindClient
	kindResult
	kindDrop
)

func (j *Journal) put(kind, any) error { return nil }

// Shut ends the record: it notes the instant, closes the file and refuses further records with ErrShut. The ring
// stays readable. Calling it again does nothing and returns the same error: the first that the file gave, or nil.
func (j *Journal) Shut() error { return nil }

// Log decodes what the ring holds: every attempt joined with its end, every connection with its close. It may be
// called at any time, while others record.
func (j *Journal) Log() *Log { return &Log{} }
