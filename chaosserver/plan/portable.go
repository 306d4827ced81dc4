package plan

import "math"

// The functions of this file give the same bits on every processor. The math package's do not: its logarithm and
// exponential are assembly on some architectures, and a compiler may fuse a multiplication with an addition. The
// explicit conversions to float64 forbid that fusion (Go specification, "Floating-point operators").

const (
	ln2Hi = 6.93147180369123816490e-01 // the leading 33 bits of ln 2: k*ln2Hi is exact for the exponents of float64
	ln2Lo = 1.90821492927058770002e-10
)

// ln returns the natural logarithm of x > 0, within 2 units in the last place or 1e-16.
//
// With x = m·2^e, m from √½ to √2 and s = (m-1)/(m+1): ln x = e·ln 2 + 2·(s + s³/3 + s⁵/5 + ...).
func ln(x float64) float64 {
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, e = 2*m, e-1
	}
	s := (m - 1) / (m + 1)
	z := s * s
	sum := 0.0
	for n := 23.0; n >= 3; n -= 2 {
		sum = float64(z * (1/n + sum))
	}
	k := float64(e)
	small := float64(2*float64(s*sum)) + float64(k*ln2Lo)
	return float64(k*ln2Hi) + (float64(2*s) + small)
}

// exp returns e to the power of x, within a relative 1e-15.
//
// With k = x/ln 2, rounded, and r = x - k·ln 2: eˣ = 2ᵏ·(1 + r + r²/2! + r³/3! + ...).
func exp(x float64) float64 {
	switch {
	case x > 709:
		return math.MaxFloat64
	case x < -700:
		return 0
	}
	k := math.Floor(float64(x*math.Log2E) + 0.5)
	r := x - float64(k*ln2Hi) - float64(k*ln2Lo)
	sum := 1.0
	for n := 14.0; n >= 1; n-- {
		sum = 1 + float64(float64(r*sum)/n)
	}
	return math.Ldexp(sum, int(k))
}

// polynomial returns c[0] + c[1]·x + c[2]·x² + ...
func polynomial(x float64, c *[8]float64) float64 {
	sum := c[7]
	for i := 6; i >= 0; i-- {
		sum = float64(sum*x) + c[i]
	}
	return sum
}

// The coefficients of normalQuantile, numerator and denominator for each of its three ranges.
var (
	centreOver = [8]float64{3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
		4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3}
	centreUnder = [8]float64{1, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
		2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4, 5.2264952788528545610e+3}
	flankOver = [8]float64{1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
		1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4}
	flankUnder = [8]float64{1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
		1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9}
	tailOver = [8]float64{6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
		2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7}
	tailUnder = [8]float64{1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
		7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15}
)

// normalQuantile returns the z below which a share p of the standard normal distribution lies, for p between 0 and
// 1, neither included. Its relative error is about 1e-15.
//
// It is algorithm AS 241, PPND16 (Wichura: The percentage points of the normal distribution, Applied Statistics 37,
// 1988).
func normalQuantile(p float64) float64 {
	q := p - 0.5
	if math.Abs(q) <= 0.425 {
		r := 0.180625 - float64(q*q)
		return q * polynomial(r, &centreOver) / polynomial(r, &centreUnder)
	}
	r := min(p, 1-p)
	r = math.Sqrt(-ln(r))
	var z float64
	if r <= 5 {
		r -= 1.6
		z = polynomial(r, &flankOver) / polynomial(r, &flankUnder)
	} else {
		r -= 5
		z = polynomial(r, &tailOver) / polynomial(r, &tailUnder)
	}
	if q < 0 {
		return -z
	}
	return z
}
