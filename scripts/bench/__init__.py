"""Benches: what drmsmirror costs, as ratios to named floors measured in the same run.

``python -m scripts.bench NAME [--size small|full]`` runs one, ``scripts/bench/run`` all.
"""
