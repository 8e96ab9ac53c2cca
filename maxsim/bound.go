package maxsim

import "math"

// ErrorBound is how far [Query.ScoreInt8] of doc can be from [Query.Score] of the
// matrix that doc was quantized from. Both must be finite in every number.
//
// Proof. Let q be a query row and d a document row, q' and d' what their codes
// stand for. Then
//
//	q·d - q'·d' = q·(d - d') + (q - q')·d'
//
// and by Cauchy and Schwarz its magnitude is at most
//
//	|q| * |d - d'| + |q - q'| * |d'|  <=  |q| * Residual + |q - q'| * Norm.
//
// The maximum over the document's rows moves by no more than its arguments do, so
// the same holds for the largest dot products, and their sum over the query's rows
// bounds the distance of the scores.
//
// To that come the roundings, in units of u = 2^-24. A float32 dot product of n
// numbers, fused or not, in whatever order, is within n*u / (1 - n*u) * |q| * |d|
// of q·d (Higham, Accuracy and Stability of Numerical Algorithms, 3.1), where
// |d| <= Norm + Residual. The integer dot product is exact; making it a float32,
// and the multiplications with two scales, lose at most (1+u)^3 - 1 < 4*u of it.
// Each sum is taken in float64 and rounded once.
func (q *Query) ErrorBound(doc Int8Matrix) float32 {
	var bound, most float64
	for _, c := range q.i8().codes {
		bound += q.errorOf(c, doc)
		most += (float64(c.norm) + float64(c.residual)) * (float64(doc.Norm) + float64(doc.Residual)) // no score is larger
	}
	return math.Nextafter32(float32(bound+2*unit*most), float32(math.Inf(1)))
}

// unit is u.
const unit = 0x1p-24

// errorOf is what one row of the query adds to the bound, without the rounding of sums.
func (q *Query) errorOf(c codesOfRow, doc Int8Matrix) float64 {
	n := float64(q.Dim()) * unit
	residual, norm := float64(doc.Residual), float64(doc.Norm)
	row := float64(c.norm) + float64(c.residual) // no less than |q|
	return row*residual + float64(c.residual)*norm + n/(1-n)*row*(norm+residual) + 4*unit*float64(c.norm)*norm
}
