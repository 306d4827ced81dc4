package bench

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"brownout/resilience/httpserver"
	"brownout/resilience/store"
)

const (
	hookID     = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	hookSecret = "0123456789abcdef01234567"
)

// signed returns the headers of a delivery as Standard Webhooks has them, and what is signed.
func signed(body []byte) (http.Header, []byte) {
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	content := append([]byte(hookID+"."+timestamp+"."), body...)
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write(content)
	h := http.Header{}
	h.Set("Webhook-Id", hookID)
	h.Set("Webhook-Timestamp", timestamp)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return h, content
}

// A delivery is verified, and its event claimed, a new one each time; beside what the HMAC alone takes with the state of its key
// kept, and what only verifies. Up to 65,536 events are remembered.
func BenchmarkWebhook(b *testing.B) {
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte(hookSecret))
	ours := must(httpserver.NewStandardWebhooks(httpserver.SignatureSettings{Secrets: []string{secret}}))
	theirs := must(standardwebhooks.NewWebhook(secret))
	for _, size := range []struct {
		name  string
		bytes int
	}{{"body=512B", 512}, {"body=16KiB", 16 << 10}} {
		body := bytes.Repeat([]byte("p"), size.bytes)
		header, content := signed(body)
		parallel(b, size.name+"/lib=hmac", func() func() {
			mac := hmac.New(sha256.New, []byte(hookSecret))
			sum := make([]byte, 0, sha256.Size)
			return func() {
				mac.Reset()
				mac.Write(content)
				sum = mac.Sum(sum[:0])
			}
		})
		parallel(b, size.name+"/lib=brownout", func() func() {
			claim := claimer()
			return func() {
				e, err := ours.Verify(header, body)
				if err != nil || !claim(e.ID) {
					b.Errorf("%+v, %v", e, err)
				}
			}
		})
		parallel(b, size.name+"/lib=brownout-verify", func() func() {
			return func() {
				if _, err := ours.Verify(header, body); err != nil {
					b.Error(err)
				}
			}
		})
		parallel(b, size.name+"/lib=standard-webhooks-verify", func() func() {
			return func() {
				if err := theirs.Verify(body, header); err != nil {
					b.Error(err)
				}
			}
		})
	}
}

// claimer returns a function that claims the event of an id as if it were the next one, and reports whether it was new.
func claimer() func(id string) bool {
	const most = 1 << 16
	var m *store.Memory
	var number uint64
	var data [64]byte
	return func(id string) bool {
		if number%most == 0 {
			m = must(store.NewMemory(store.MemorySettings{}))
		}
		number++
		n := copy(data[:], id)
		binary.LittleEndian.PutUint64(data[n:], number)
		c, err := m.Claim(context.Background(), m.Hash(data[:n+8]), store.Terms{Lease: time.Minute})
		return err == nil && c.State == store.Won
	}
}
