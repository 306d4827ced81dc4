// Package resilience holds the policies a client of an unreliable service needs. They know nothing of HTTP; see httpclient.
package resilience
