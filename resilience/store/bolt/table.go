package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"brownout/resilience/store"
)

var (
	keysBucket  = []byte("keys")  // key -> entry
	untilBucket = []byte("until") // when it is forgotten, and key -> nothing: the order in which keys are forgotten
)

// errDamaged says that the file has entries which this package did not write.
var errDamaged = errors.New("an entry of the bucket cannot be read; was it written by another program?")

// table is the claims within one transaction.
type table struct{ keys, until *bbolt.Bucket }

func (b *Store) table(tx *bbolt.Tx) table {
	root := tx.Bucket(b.bucket)
	if root == nil {
		return table{}
	}
	return table{root.Bucket(keysBucket), root.Bucket(untilBucket)}
}

// entry is what is known of one key. Times are nanoseconds since 1970.
type entry struct {
	print  store.Fingerprint
	token  store.Token
	lease  int64 // until when the owner holds the claim
	until  int64 // when the key is forgotten
	flags  byte
	record []byte // of the transaction's memory: not valid after it
}

const (
	flagDone byte = 1 << iota
	flagReclaimed
)

// headerSize is the size of an entry without its record: fingerprint, token, lease, until, flags.
const headerSize = 16 + 8 + 8 + 8 + 1

func (e entry) encode() []byte {
	b := make([]byte, 0, headerSize+len(e.record))
	b = append(b, e.print[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.token))
	b = binary.BigEndian.AppendUint64(b, uint64(e.lease))
	b = binary.BigEndian.AppendUint64(b, uint64(e.until))
	b = append(b, e.flags)
	return append(b, e.record...)
}

func decode(b []byte) (entry, error) {
	if len(b) < headerSize {
		return entry{}, errDamaged
	}
	return entry{
		print:  store.Fingerprint(b[:16]),
		token:  store.Token(binary.BigEndian.Uint64(b[16:])),
		lease:  int64(binary.BigEndian.Uint64(b[24:])),
		until:  int64(binary.BigEndian.Uint64(b[32:])),
		flags:  b[40],
		record: b[headerSize:],
	}, nil
}

// get returns the entry of key. It is not known once its time is over.
func (t table) get(key store.Key, now time.Time) (e entry, known bool, err error) {
	if t.keys == nil || t.until == nil {
		return entry{}, false, errors.New("the bucket is gone; it must not be deleted while the store is open")
	}
	b := t.keys.Get(key[:])
	if b == nil {
		return entry{}, false, nil
	}
	e, err = decode(b)
	return e, e.until > now.UnixNano(), err
}

// put writes an entry in place of what there was of key.
func (t table) put(key store.Key, e entry) error {
	if err := t.drop(key); err != nil {
		return err
	}
	if err := t.until.Put(untilKey(e.until, key[:]), nil); err != nil {
		return err
	}
	return t.keys.Put(key[:], e.encode())
}

// drop removes what there is of key, known or over.
func (t table) drop(key store.Key) error {
	b := t.keys.Get(key[:])
	if b == nil {
		return nil
	}
	e, err := decode(b)
	if err != nil {
		return err
	}
	if err := t.until.Delete(untilKey(e.until, key[:])); err != nil {
		return err
	}
	return t.keys.Delete(key[:])
}

func untilKey(until int64, key []byte) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 24), uint64(until)), key...)
}

// purge removes up to most keys whose time is over.
func (t table) purge(now time.Time, most int) error {
	if t.until == nil {
		return nil // said by whoever looks for a key
	}
	over := untilKey(now.UnixNano()+1, nil)
	for c := t.until.Cursor(); most > 0; most-- {
		at, _ := c.First()
		if at == nil || bytes.Compare(at, over) >= 0 {
			return nil
		}
		if len(at) != 24 {
			return errDamaged
		}
		if err := t.keys.Delete(at[8:]); err != nil {
			return err
		}
		if err := t.until.Delete(bytes.Clone(at)); err != nil {
			return err
		}
	}
	return nil
}

// look answers a claim of key without writing it: won means that it is to be had.
func (t table) look(key store.Key, terms store.Terms, now time.Time) (c store.Claim, known bool, e entry, err error) {
	e, known, err = t.get(key, now)
	switch {
	case err != nil || !known:
		return store.Claim{State: store.Won}, false, entry{}, err
	case e.print != terms.Fingerprint:
		return store.Claim{State: store.Mismatch}, true, entry{}, nil
	case e.flags&flagDone != 0:
		return store.Claim{State: store.Done}, true, e, nil
	case e.lease > now.UnixNano():
		return store.Claim{State: store.InFlight, Lease: time.Duration(e.lease - now.UnixNano())}, true, e, nil
	}
	return store.Claim{State: store.Won, Reclaimed: true}, true, e, nil
}

func (t table) claim(key store.Key, terms store.Terms, now time.Time) (store.Claim, error) {
	c, _, e, err := t.look(key, terms, now)
	if err != nil {
		return store.Claim{}, err
	}
	if c.State != store.Won {
		c.Record = string(e.record)
		return c, nil
	}
	token, err := t.keys.NextSequence()
	if err != nil {
		return store.Claim{}, err
	}
	c.Token = store.Token(token)
	e = entry{print: terms.Fingerprint, token: c.Token, lease: now.Add(terms.Lease).UnixNano(), until: now.Add(terms.Keep).UnixNano()}
	if c.Reclaimed {
		e.flags = flagReclaimed
	}
	return c, t.put(key, e)
}

func (t table) renew(key store.Key, token store.Token, lease time.Duration, now time.Time) (held bool, err error) {
	e, known, err := t.get(key, now)
	if err != nil || !known || e.token != token || e.flags&flagDone != 0 {
		return false, err
	}
	e.lease = now.Add(lease).UnixNano()
	e.until = max(e.until, e.lease)
	return true, t.put(key, e)
}

func (t table) commit(key store.Key, token store.Token, record string, keep time.Duration, now time.Time) (held bool, err error) {
	e, known, err := t.get(key, now)
	switch {
	case err != nil || !known || e.token != token:
		return false, err
	case e.flags&flagDone != 0:
		return true, nil
	}
	e.flags = flagDone
	e.until = now.Add(keep).UnixNano()
	e.record = []byte(record)
	return true, t.put(key, e)
}

func (t table) release(key store.Key, token store.Token, now time.Time) (held bool, err error) {
	e, known, err := t.get(key, now)
	switch {
	case err != nil || !known:
		return true, err
	case e.token != token || e.flags&flagDone != 0:
		return false, nil
	case e.flags&flagReclaimed != 0:
		e.lease = now.UnixNano()
		return true, t.put(key, e)
	}
	return true, t.drop(key)
}
