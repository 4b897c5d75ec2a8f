"""What a lesson can ask the loaded model, by name. Each is computed when it is asked for; none knows a lesson."""

from playground.course.measured import Measure
from playground.course.measures import attention, layers, learning, next_token, order, vectors

MEASURES: dict[str, Measure] = {
    **next_token.MEASURES,
    **attention.MEASURES,
    **layers.MEASURES,
    **order.MEASURES,
    **vectors.MEASURES,
    **learning.MEASURES,
}
