// Package store keeps what an idempotent handler, a webhook receiver, or any worker that may be given the same work twice must
// remember: which work is under way, which is done, and what came of it.
//
// # Terms
//
//   - A key names one piece of work: one logical operation of one principal, one webhook event.
//   - A claim is the right to do that work. It has an owner, proved by a token, and a lease.
//   - A lease is how long a claim holds unless it is renewed. It is short, so that the work of a crashed owner is taken up again.
//   - A fingerprint is what the work was asked with. The same key with another fingerprint is a mistake, not a repetition.
//   - A record is what came of the work. It is kept long: as long as the sender may ask again.
//
// # Use
//
// Claim, work, then commit or release:
//
//	claim, err := s.Claim(ctx, key, store.Terms{Lease: 30 * time.Second, Keep: 24 * time.Hour})
//	switch {
//	case err != nil: // not known whether the work was done: do not do it
//	case claim.State == store.Won:
//		record, err := work(ctx)
//		if err != nil {
//			s.Release(ctx, key, claim.Token) // failed work never poisons the key
//		} else {
//			err = s.Commit(ctx, key, claim.Token, record, 24*time.Hour)
//		}
//	case claim.State == store.Done: // claim.Record says what came of it
//	case claim.State == store.InFlight: // another owner is at it
//	case claim.State == store.Mismatch: // the key was used for other work
//	}
//
// What a crash leaves behind is unknown rather than absent: an owner that vanished may have done the work and died before it
// said so. Whoever takes over such a claim is told by [Claim.Reclaimed].
//
// # Stores
//
// [Memory] lives in one process and dies with it. Package store/bolt keeps a file that survives the crash of its process,
// package store/redis is shared by many processes. Package store/storetest has the tests that every [Store] must pass.
package store
