package redis

import goredis "github.com/redis/go-redis/v9"

// A key is a hash of these fields, with an expiry that is the time to keep it:
//
//	p  fingerprint
//	t  token of the owner, or of who committed
//	l  until when the owner holds the claim, in milliseconds since 1970; not there once done
//	c  "reclaimed" if an earlier owner abandoned it, else "fresh"
//	r  record; there once done

// now is the head of the scripts that look at the lease.
const now = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

// KEYS: the key. ARGV: fingerprint, token, lease and time to keep in milliseconds.
var claimScript = goredis.NewScript(now + `
local e = redis.call('HMGET', KEYS[1], 'p', 't', 'l', 'c', 'r')
local kind = 'fresh'
if e[1] then
  if e[1] ~= ARGV[1] then return {'mismatch', ''} end
  if e[5] then return {'done', e[5]} end
  if e[2] == ARGV[2] then return {'won', e[4]} end
  local left = e[3] - now
  if left > 0 then return {'in flight', string.format('%.0f', left)} end
  kind = 'reclaimed'
end
redis.call('HSET', KEYS[1], 'p', ARGV[1], 't', ARGV[2], 'l', string.format('%.0f', now + ARGV[3]), 'c', kind)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {'won', kind}
`)

// KEYS: the key. ARGV: token, lease in milliseconds.
var renewScript = goredis.NewScript(now + `
local e = redis.call('HMGET', KEYS[1], 't', 'r')
if e[1] ~= ARGV[1] or e[2] then return {'lost'} end
redis.call('HSET', KEYS[1], 'l', string.format('%.0f', now + ARGV[2]))
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return {'held'}
`)

// KEYS: the key. ARGV: token, record, time to keep in milliseconds.
var commitScript = goredis.NewScript(`
local e = redis.call('HMGET', KEYS[1], 't', 'r')
if e[1] ~= ARGV[1] then return {'lost'} end
if e[2] then return {'held'} end
redis.call('HSET', KEYS[1], 'r', ARGV[2])
redis.call('HDEL', KEYS[1], 'l', 'c')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {'held'}
`)

// KEYS: the key. ARGV: token.
var releaseScript = goredis.NewScript(`
local e = redis.call('HMGET', KEYS[1], 't', 'c', 'r')
if not e[1] then return {'held'} end
if e[1] ~= ARGV[1] or e[3] then return {'lost'} end
if e[2] == 'reclaimed' then redis.call('HSET', KEYS[1], 'l', 0) else redis.call('DEL', KEYS[1]) end
return {'held'}
`)
