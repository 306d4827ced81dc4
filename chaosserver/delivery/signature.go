package delivery

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strconv"
	"strings"
	"time"
)

// sum is the HMAC-SHA256 (RFC 2104) of the texts and the body, one behind the other.
func sum(secret string, body []byte, texts ...string) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	for _, t := range texts {
		_, _ = io.WriteString(h, t) // a hash never fails
	}
	h.Write(body)
	return h.Sum(nil)
}

func inHex(b []byte) string { return hex.EncodeToString(b) }

func inBase64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// epoch writes an instant in seconds since 1970.
func epoch(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// listed writes signatures one behind the other, each behind its scheme.
func listed(signatures []signature, between, separator string) string {
	texts := make([]string, len(signatures))
	for i, s := range signatures {
		texts[i] = s.scheme + between + s.text
	}
	return strings.Join(texts, separator)
}
