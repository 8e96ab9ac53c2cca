"""ColQwen2.5 and BiQwen2.5: Qwen2's graphs, with a tower most of whose blocks look at windows only.

The reference sorts patches by window and back again. A mask over places says the same, so the host
need not know of windows.
"""

from . import qwen2
from .qwen2 import TextGraph

__all__ = ["TextGraph", "VisionGraph"]


class VisionGraph(qwen2.VisionGraph):
    """pixel_values f32 [B,P,values], patch_positions i64 [B,P,2] -> image_features f32 [B,P/4,width]."""

    def allowed(self, number, here, places):
        existing = super().allowed(number, here, places)
        if number in self.tower.fullatt_block_indexes:
            return existing
        # window_size is in pixels; get_window_index rounds it down to whole tokens.
        tokens = self.tower.window_size // self.tower.spatial_merge_size // self.tower.patch_size
        window = places.div(tokens * self.tower.spatial_merge_size, rounding_mode="floor")
        same = (window[:, :, None] == window[:, None, :]).all(-1)
        return existing & same[:, None]
