package redis_test

import (
	"fmt"

	goredis "github.com/redis/go-redis/v9"

	"brownout/resilience/store"
	"brownout/resilience/store/redis"
)

// The caller makes the client and closes it. Making a store does not connect.
func ExampleNew() {
	client := goredis.NewClient(&goredis.Options{
		Addr:                  "127.0.0.1:6379",
		ContextTimeoutEnabled: true, // so that steps end with the deadline of their context
	})
	defer client.Close()
	claims, err := redis.New(client, redis.Settings{Prefix: "shop:claim:"})
	var _ store.Store = claims
	fmt.Println(err)
	// Output:
	// <nil>
}
