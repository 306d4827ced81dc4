// Package quota is the upstream's own quotas: it counts attempts against the limits of a scenario, and writes what answers
// tell of them in the words of a vendor.
//
// [Buckets] counts. A limit has a bucket for each key, such as a client, and is one of three kinds: a token bucket, a fixed
// window that begins with its first attempt, or a number of answers under way. An attempt falls under one limit or several,
// and asks them in their order: the first that is used up refuses it, and then none counts it; else all do. Time comes in as
// an argument, so that the same questions at the same instants give the same answers.
//
// A [Dialect] writes. It is one vendor's, or one draft's, way of telling how much of a quota is left: a file of its own and a
// row in the table that [Named] looks into. Fields, statuses and bodies are as the vendor documents them, which each file
// cites. The code shares nothing with that of package httpclient, which reads the same fields: a mistake that both made would
// go unseen.
package quota
