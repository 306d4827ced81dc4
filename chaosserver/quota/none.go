package quota

// none tells nothing of quotas. A refusal asks for a pause all the same, as most servers do.
var none = Dialect{name: "none", pause: retryAfterSeconds}
