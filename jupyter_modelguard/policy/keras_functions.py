"""Functions of Keras' own that compute with the numbers they are given, by name: what a configuration may name besides classes.

Keras and tf_keras find a function as an attribute of the module that the file names, so that everything such a module has imported is in
reach too (`deserialize_keras_object`, `get_file`); a place alone says nothing. Functions that call what they are given (`map`, `cond`,
`while_loop`, `vectorize` …) are left out.
"""

from __future__ import annotations

from typing import Final

__all__ = ["FUNCTIONS", "OPERATIONS"]

FUNCTIONS: Final = frozenset(
    """
    BCE bce binary_accuracy binary_crossentropy binary_focal_crossentropy categorical_accuracy categorical_crossentropy
    categorical_focal_crossentropy categorical_generalized_cross_entropy categorical_hinge celu circle
    concordance_correlation cosine_proximity cosine_similarity ctc dice elu exponential gelu glu hard_shrink hard_sigmoid
    hard_silu hard_swish hard_tanh hinge huber kl_divergence KLD kld kullback_leibler_divergence l1_l2 leaky_relu linear
    log_cosh log_sigmoid log_softmax logcosh MAE mae MAPE mape mean_absolute_error mean_absolute_percentage_error
    mean_squared_error mean_squared_logarithmic_error mish MSE mse MSLE msle pearson_correlation poisson relu relu6 selu
    sigmoid silu soft_shrink softmax softplus softsign sparse_categorical_accuracy sparse_categorical_crossentropy
    sparse_plus sparse_sigmoid sparse_top_k_categorical_accuracy sparsemax squared_hinge squareplus swish tanh tanh_shrink
    threshold top_k_categorical_accuracy tversky
    """.split()  # noqa: SIM905 a line for each name would be hundreds
)
"""Activations, losses, metrics and regularizers, with the short names of losses."""

OPERATIONS: Final = frozenset(
    """
    abs absolute adaptive_average_pool adaptive_max_pool add all allclose amax amin angle any append arange arccos arccosh
    arcsin arcsinh arctan arctan2 arctanh argmax argmin argpartition argsort array array_split average average_pool bartlett
    batch_normalization bincount bitwise_and bitwise_invert bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift
    bitwise_xor blackman broadcast_to cast cbrt cdist ceil cholesky cholesky_inverse clip concatenate conj conjugate conv
    conv_transpose convert_to_numpy convert_to_tensor copy corrcoef correlate cos cosh count_nonzero cross ctc_decode
    ctc_loss cumprod cumsum deg2rad depth_to_space depthwise_conv det diag diagflat diagonal diff digitize divide
    divide_no_nan dot dot_product_attention dsplit dstack dtype eig eigh einsum empty empty_like equal erf erfc erfinv exp
    exp2 expand_dims expm1 extract_sequences eye fabs fft fft2 flip fliplr flipud floor floor_divide fmax fmin fmod fold full
    full_like gcd geomspace get_item greater greater_equal hamming hanning heaviside histogram hsplit hstack hypot i0
    identity ifft2 imag in_top_k inner inv irfft is_tensor isclose isfinite isin isinf isnan isneginf isposinf isreal istft
    kaiser kron layer_normalization lcm ldexp left_shift less less_equal linspace log log10 log1p log2 logaddexp logaddexp2
    logdet logical_and logical_not logical_or logical_xor logspace logsumexp lstsq lu_factor matmul matrix_rank max max_pool
    maximum mean median meshgrid min minimum mod moments moveaxis multi_hot multiply nan_to_num nanargmax nanargmin
    nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile nanstd nansum nanvar ndim negative
    nextafter nonzero norm normalize not_equal one_hot ones ones_like outer pad percentile pinv polar power prod psnr ptp qr
    quantile rad2deg ravel real rearrange reciprocal repeat reshape rfft right_shift rms_normalization roll rot90 round rsqrt
    saturate_cast scatter scatter_update searchsorted segment_max segment_min segment_prod segment_sum select separable_conv
    shape sign signbit sin sinc sinh size slice slice_update slogdet solve solve_triangular sort space_to_depth split sqrt
    square squeeze stack std stft stop_gradient subtract sum svd swapaxes take take_along_axis tan tensordot tile top_k trace
    transpose trapezoid tri tril triu true_divide trunc unfold unique unravel_index unstack vander var vdot view
    view_as_complex view_as_real vsplit vstack where zeros zeros_like
    """.split()  # noqa: SIM905 a line for each name would be hundreds
)
"""What `keras.ops` has beside them."""
