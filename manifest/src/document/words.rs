//! The words of the grammar that stand for a choice.

use crate::dataset::{
    Deletes, DependentViews, Duplicates, ExtraColumns, Format, HeaderRow, HttpMethod, Parser, Publications, Status,
};
use crate::schedule::{Mode, Trigger};
use crate::task_def::{Arch, Capacity, Compute, Engine};
use crate::yaml::words;

words!(Engine, "an engine": "fargate" => Self::Fargate, "batch" => Self::Batch);
words!(Arch, "an architecture": "x86_64" => Self::X86_64, "arm64" => Self::Arm64);
words!(Compute, "a kind of compute": "fargate" => Self::Fargate, "ec2" => Self::Ec2);
words!(Capacity, "a capacity": "on-demand" => Self::OnDemand, "spot" => Self::Spot);
words!(Trigger, "a trigger": "scheduler" => Self::Scheduler, "rule" => Self::Rule);
words!(Mode, "a mode": "normal" => Self::Normal, "full" => Self::Full);
words!(Status, "a status": "active" => Self::Active, "unavailable" => Self::Unavailable);
words!(Publications, "a word for publications": "refuse" => Self::Refuse, "carry" => Self::Carry);
words!(DependentViews, "a word for dependent views": "fail" => Self::Fail, "recreate" => Self::Recreate);
words!(ExtraColumns, "a word for extra columns": "report" => Self::Report, "refuse" => Self::Refuse);
words!(Duplicates, "a word for duplicates":
    "refuse" => Self::Refuse, "first" => Self::First, "newest" => Self::Newest);
words!(Deletes, "a word for deletes": "keep" => Self::Keep, "apply" => Self::Apply);
words!(HeaderRow, "a word for the header": "first" => Self::First, "find" => Self::Find, "none" => Self::None);
words!(HttpMethod, "a request method":
    "get" => Self::Get, "GET" => Self::Get, "post" => Self::Post, "POST" => Self::Post);
words!(Format, "a format":
    "csv" => Self::Csv, "tsv" => Self::Tsv, "fixed" => Self::Fixed, "json" => Self::Json, "ndjson" => Self::Ndjson,
    "geojson" => Self::Geojson, "shapefile" => Self::Shapefile, "geopackage" => Self::Geopackage,
    "parquet" => Self::Parquet, "xls" => Self::Xls, "xlsx" => Self::Xlsx);
words!(Parser, "a parser":
    "dmy" => Self::Dmy, "mdy" => Self::Mdy, "ymd" => Self::Ymd, "whole" => Self::Whole, "percent" => Self::Percent,
    "decimal_comma" => Self::DecimalComma, "accounting" => Self::Accounting, "earlier" => Self::Earlier,
    "later" => Self::Later, "unix" => Self::Unix, "unix_ms" => Self::UnixMillis,
    "excel_date" => Self::ExcelDate, "excel_1904" => Self::Excel1904,
    "list(,)" => Self::ListComma, "list(;)" => Self::ListSemicolon, "list(|)" => Self::ListBar);
