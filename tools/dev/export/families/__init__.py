"""One file for each family of models: its two graphs, as wrappers around colpali-engine's classes.

Graphs have the inputs and outputs of ColPali's (../graphs.py), so the host need not know which family
it runs; the Qwen families alone have others (qwen2.py):

    vision: pixel_values f32 [N,3,H,W]  -> image_features f32 [N,tokens,width]
    text:   input_ids, attention_mask i64 [B,L], image_features f32 [F,width] -> f32 [B,L,dim]

N counts tiles where pages are cut into tiles. Items are padded at the right, whatever side the
reference pads: causal models do not look there, and positions count from each item's first token.
Bi-encoders give [B,1,dim].
"""
