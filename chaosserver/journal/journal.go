package journal

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sync"
	"time"
)

// ErrShut is what recording gives after [Journal.Shut].
var ErrShut = errors.New("the journal is shut")

// Defaults and bounds of [Options].
const (
	DefaultMaxRecords = 65_536   // attempts
	DefaultMaxBytes   = 64 << 20 // bytes

	leastBytes = 64 << 10
	mostBytes  = min(2<<30, math.MaxInt) // what a segment counts fits 32 bits
)

// Options say what a journal is of, what it keeps and what it hides. The zero value is a journal in memory with
// every default.
type Options struct {
	Scenario     string // name of the scenario; for the header
	ScenarioFile string // where it was read from; for the header
	Seed         uint64 // for the header
	Emulated     bool   // connections are in memory; for the header
	Upstream     string // base URL of the upstream of a proxy, without secrets; for the header

	// MaxRecords bounds the attempts in the ring, and MaxBytes its memory, from 64 KiB to 2 GiB. The oldest
	// records make room for new ones and are counted. 0: DefaultMaxRecords and DefaultMaxBytes. An attempt with its
	// end takes some 300 bytes, and the bytes of its body that are kept.
	MaxRecords int
	MaxBytes   int

	// File is the path of the journal's file, one JSON object a line; "": none. It must not exist: a journal is
	// evidence and is never overwritten.
	File string

	// KeepBody is how many bytes of each request's body are recorded, up to an eighth of MaxBytes; 0: none, only
	// length and hash.
	KeepBody int

	// SecretHeaders and SecretParams name the header fields and the query parameters whose values are replaced by
	// a salted hash: a name, or a pattern in which * stands for any characters; case does not matter. nil: those
	// of DefaultSecretHeaders and DefaultSecretParams, to which a caller may append. Empty, not nil: none.
	//
	// Parameters are looked for wherever a URL may stand (target, header values, the name of a call), and as fields
	// of a kept body that is a form or JSON. The user information of a URL is always replaced. A kept body of any
	// other kind is kept as it came.
	SecretHeaders []string
	SecretParams  []string

	// Salt is the key of the hashes; nil: random. Equal secrets have equal hashes under one salt.
	Salt []byte
}

// Journal records one run, in a ring in memory and in a file. Its methods may be called from several goroutines.
type Journal struct {
	header   Header
	base     time.Time
	ring     *ring
	file     *file     // nil: none
	encoders sync.Pool // of *encoder

	shut    sync.Once
	shutErr error // written within shut
}

// New starts a journal: instant 0 of its record is now. With Options.File it creates the file and writes its
// header. An error names the option that is out of range, or is that of the file. End the journal with Shut.
func New(o Options) (*Journal, error) {
	if o.File == "" {
		return newJournal(o, nil)
	}
	f, err := os.OpenFile(o.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("the journal's file: %w", err)
	}
	j, err := newJournal(o, f)
	if err != nil {
		f.Close()
		os.Remove(o.File)
		return nil, err
	}
	return j, nil
}

// newJournal is New with the file opened; w nil: none.
func newJournal(o Options, w io.WriteCloser) (*Journal, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	j := &Journal{base: now, ring: newRing(o.MaxRecords, o.MaxBytes)}
	j.header = Header{
		Version: FormatVersion, Scenario: o.Scenario, File: o.ScenarioFile, Seed: o.Seed,
		Start: now.Round(0).UTC(), Salt: saltName(o.Salt), Emulated: o.Emulated, Upstream: o.Upstream,
	}
	secrets := newRedactor(o.SecretHeaders, o.SecretParams, o.Salt)
	j.encoders.New = func() any { return &encoder{secrets: secrets, keepBody: o.KeepBody} }
	if w == nil {
		return j, nil
	}
	j.file = &file{w: w, failed: make(chan struct{})}
	if err := j.file.write(appendHeaderLine(nil, &j.header)); err != nil {
		return nil, err
	}
	return j, nil
}

// complete checks the options and fills in the defaults.
func (o Options) complete() (Options, error) {
	if o.MaxRecords == 0 {
		o.MaxRecords = DefaultMaxRecords
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.MaxRecords < 1 {
		return o, fmt.Errorf("MaxRecords is %d; allowed is 1 or more, or 0 for %d", o.MaxRecords, DefaultMaxRecords)
	}
	if o.MaxBytes < leastBytes || o.MaxBytes > mostBytes {
		return o, fmt.Errorf("MaxBytes is %d; allowed is %d to %d, or 0 for %d", o.MaxBytes, leastBytes, int64(mostBytes), DefaultMaxBytes)
	}
	if o.KeepBody < 0 || o.KeepBody > o.MaxBytes/8 {
		return o, fmt.Errorf("KeepBody is %d; allowed is 0 to %d, an eighth of MaxBytes", o.KeepBody, o.MaxBytes/8)
	}
	if o.SecretHeaders == nil {
		o.SecretHeaders = DefaultSecretHeaders()
	}
	if o.SecretParams == nil {
		o.SecretParams = DefaultSecretParams()
	}
	if o.Salt == nil {
		o.Salt = make([]byte, 32)
		rand.Read(o.Salt) // never fails
	}
	return o, nil
}

// saltName returns what the header says of a salt: enough to tell one from another, and nothing of the salt.
func saltName(salt []byte) string {
	m := hmac.New(sha256.New, salt)
	m.Write([]byte("the name of the salt"))
	return hex.EncodeToString(m.Sum(nil)[:4])
}

// Now is the time since the journal was started, on the monotonic clock that all its instants are of.
func (j *Journal) Now() time.Duration { return time.Since(j.base) }

// Header returns the header of the record.
func (j *Journal) Header() Header { return j.header }

// encoder returns one to make a frame with; commit gives it back.
func (j *Journal) encoder() *encoder { return j.encoders.Get().(*encoder) }

// commit puts the frame that e has made into the ring and its line into the file.
func (j *Journal) commit(e *encoder, last bool) error {
	defer j.encoders.Put(e)
	if j.file == nil {
		return j.ring.append(e.frame, last)
	}
	e.json = appendLine(e.json[:0], e.frame)
	j.file.mu.Lock()
	defer j.file.mu.Unlock()
	if err := j.ring.append(e.frame, last); err != nil {
		return err
	}
	return j.file.write(e.json)
}

// Err returns the first error that the file gave; nil while there is none, and without a file.
func (j *Journal) Err() error {
	if j.file == nil {
		return nil
	}
	j.file.mu.Lock()
	defer j.file.mu.Unlock()
	return j.file.err
}

// Failed returns a channel that is closed once the file has given an error, which Err then returns: what is recorded from
// then on is in the ring alone. It is nil, and so never closed, without a file.
func (j *Journal) Failed() <-chan struct{} {
	if j.file == nil {
		return nil
	}
	return j.file.failed
}

// Shut ends the record: it notes the instant, closes the file and refuses further records with ErrShut. The ring
// stays readable. Calling it again does nothing and returns the same error: the first that the file gave, or nil.
func (j *Journal) Shut() error {
	j.shut.Do(func() {
		e := j.encoder()
		e.stop(j.Now())
		j.shutErr = j.commit(e, true)
		j.ring.keepOnHeap()
		if j.file != nil {
			j.shutErr = j.file.close()
		}
	})
	return j.shutErr
}

// Log decodes what the ring holds: every attempt joined with its end, every connection with its close. It may be
// called at any time, while others record; events that come after the call are not in it. What has rolled out of
// the ring is one entry of Dropped, as of the Log's End, that counts records: an attempt with its end is one.
// Attempts with the same header fields share them, so treat a Log as read-only.
func (j *Journal) Log() *Log {
	rd, attempts := j.ring.readNow()
	b := newBuilder(j.header, attempts)
	for {
		_, k, payload := rd.next()
		if k == 0 {
			break
		}
		_ = b.addFrame(k, payload) // an end whose attempt rolled out
	}
	if rd.lost > 0 {
		b.log.Dropped = append(b.log.Dropped, Drop{At: b.log.End, Count: int(rd.lost), Reason: ReasonRolled})
	}
	return b.finish()
}

// ReasonRolled is the reason of the Drop that counts what has rolled out of the ring.
const ReasonRolled = "the ring rolled"
